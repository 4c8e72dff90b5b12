//! The line to the operator, as far as it can break.

use std::io;
use std::thread;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::termios::tcgetattr;

/// Whether the terminal of standard input was hung up. Where none ever was, it was not.
pub(super) fn is_hung_up() -> bool {
    matches!(tcgetattr(io::stdin()), Err(Errno::IO))
}

/// Has this done once the terminal of standard input is hung up. A signal tells that to the
/// leader of a session alone, which may be a shell that ignores it; and who only reads would be
/// given nothing, again and again, without end.
pub(super) fn when_hung_up(act: impl FnOnce() + Send + 'static) {
    thread::spawn(move || {
        let input = io::stdin();
        loop {
            // Asked for nothing, this wakes for a hang-up only.
            let mut waiting = [PollFd::new(&input, PollFlags::empty())];
            match poll(&mut waiting, None) {
                Ok(_) => break,
                Err(Errno::INTR) => {}
                Err(_) => return,
            }
        }
        act();
    });
}
