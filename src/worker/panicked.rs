//! A fault of this program must not leave a host half changed either: a worker that panics
//! becomes the process that puts its run back.

use std::os::unix::process::CommandExt as _;
use std::panic::{set_hook, take_hook};
use std::process::Command;

use super::spawn::Launch;
use crate::values::RunId;

/// From here on a panic, in whichever thread, is said to standard error and to `tell`; then
/// this process becomes `nim-tls __return RUN`, which finds a run that has lost its worker.
pub fn put_back_on_panic(launch: Launch, run: &RunId, tell: impl Fn() + Send + Sync + 'static) {
    let usual = take_hook();
    let run = run.clone();
    set_hook(Box::new(move |panic| {
        usual(panic);
        tell();
        let mut command = Command::new(&launch.program);
        command.arg("__return").arg(run.as_str());
        let error = command.args(&launch.options).exec();
        // Then it counts as cut short, and the next start says so.
        eprintln!("what it has changed could not be put back: {error}");
    }));
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    const CHILD: &str = "NIM_TLS_TEST_PANICS";

    /// Red without `exec`, and where the options are left out. The panic happens in a process of
    /// its own, which starts this test again; `echo` plays the part of this program.
    #[test]
    fn a_worker_that_panics_becomes_what_puts_its_run_back() {
        let run: RunId = "2026-11-27-1".parse().unwrap();
        if std::env::var_os(CHILD).is_some() {
            let launch = Launch {
                program: "/bin/echo".into(),
                options: vec!["--root".to_owned(), "/mnt/image".to_owned()],
            };
            put_back_on_panic(launch, &run, || println!("told"));
            std::thread::spawn(|| panic!("on purpose")).join().unwrap();
        }
        let this = std::env::current_exe().unwrap();
        let name = "worker::panicked::tests::a_worker_that_panics_becomes_what_puts_its_run_back";
        let mut again = Command::new(this);
        let done = again.args([name, "--exact", "--nocapture"]).env(CHILD, "1");
        let done = done.output().unwrap();
        let said = String::from_utf8_lossy(&done.stdout);
        let wanted = format!("told\n__return {run} --root /mnt/image\n");
        assert!(said.ends_with(&wanted), "{said}");
        assert!(done.status.success(), "{done:?}");
    }
}
