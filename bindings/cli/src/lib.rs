//! The `pannier` command as a library, so that tests and the demo can start a [`hub`] of their own.

pub mod commands;
pub mod demo;
pub mod hub;
mod terminal;
