//! The `pannier` command as a library, for its tests.

pub mod commands;
pub mod demo;

use pannier_hub::terminal;
