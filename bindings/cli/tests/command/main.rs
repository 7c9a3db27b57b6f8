//! The `pannier` command as a process of its own: what it prints, what it leaves behind, how it ends.

#![allow(clippy::unwrap_used)]

mod agreeing;
mod contents;
mod delivering;
mod doctor;
mod files;
mod held;
mod looking;
mod process;
mod programs;
mod recording;
mod scarce;
mod serving;
mod signatures;
mod strangers;
mod terminal;
mod unread;
mod upstreams;
mod usage;
mod ways;
