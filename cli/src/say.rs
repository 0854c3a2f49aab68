//! Lines for whoever reads standard output, and complaints for the terminal. That nobody reads
//! them any more, as behind `| head -1`, is no failure: a command does its work all the same.

use std::fmt::Arguments;
use std::io::{Write, stderr, stdout};

/// Prints a line to standard output.
macro_rules! say {
    () => { crate::say::line(format_args!("")) };
    ($($text:tt)+) => { crate::say::line(format_args!($($text)+)) };
}

/// Prints a line to standard error.
macro_rules! complain {
    ($($text:tt)+) => { crate::say::complaint(format_args!($($text)+)) };
}

pub(crate) use {complain, say};

pub(crate) fn line(text: Arguments<'_>) {
    let mut out = stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

pub(crate) fn complaint(text: Arguments<'_>) {
    let _ = writeln!(stderr(), "{text}");
}
