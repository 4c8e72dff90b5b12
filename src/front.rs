//! The fronts: how answers are obtained, and how what happens is shown.

pub mod unattended;
