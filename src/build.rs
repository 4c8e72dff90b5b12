//! How the program is linked: a panic ends it at once (`panic = "abort"`), so nobody ever looks for
//! the way back up its stack, and the tables for that would be a fourteenth of it.

fn main() {
    let root = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    println!("cargo:rerun-if-changed=src/link.ld");
    // For the program alone: tests do unwind.
    println!("cargo:rustc-link-arg-bins=-Wl,--no-eh-frame-hdr,-T,{root}/src/link.ld");
}
