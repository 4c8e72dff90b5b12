//! What becomes of a process of this program that panics.

use std::os::unix::process::CommandExt as _;
use std::panic::{set_hook, take_hook};
use std::path::PathBuf;
use std::process::Command;

/// From here on a panic, in whichever thread, is said to standard error and to `tell`; then
/// this process becomes `program`.
pub fn become_on_panic(
    program: PathBuf,
    args: Vec<String>,
    tell: impl Fn() + Send + Sync + 'static,
) {
    let usual = take_hook();
    set_hook(Box::new(move |panic| {
        usual(panic);
        tell();
        let error = Command::new(&program).args(&args).exec();
        eprintln!("{} could not be started: {error}", program.display());
    }));
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    const CHILD: &str = "NIM_TLS_TEST_PANICS";

    /// Red without `exec`. The panic happens in a process of its own, which starts this test again.
    #[test]
    fn a_process_that_panics_becomes_another() {
        if std::env::var_os(CHILD).is_some() {
            let args = ["become", "this"].map(str::to_owned).to_vec();
            become_on_panic("/bin/echo".into(), args, || println!("told"));
            let panics = std::thread::spawn(|| panic!("on purpose"));
            panics.join().unwrap();
        }
        let mut again = Command::new(std::env::current_exe().unwrap());
        let name = "host::panicked::tests::a_process_that_panics_becomes_another";
        let done = again.args([name, "--exact", "--nocapture"]).env(CHILD, "1");
        let done = done.output().unwrap();
        let said = String::from_utf8_lossy(&done.stdout);
        assert!(said.ends_with("told\nbecome this\n"), "{said}");
        assert!(done.status.success(), "{done:?}");
    }
}
