//! The demo's output: lines of text, and progress bars while it runs.

use std::io::{self, Write as _};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::terminal::safe;

/// Lines to standard output, bars to standard error if that is a terminal.
pub struct Stage {
    bars: MultiProgress,
    visible: bool,
}

impl Stage {
    /// Returns one for people to look at.
    pub fn visible() -> Self {
        Self {
            bars: MultiProgress::new(),
            visible: true,
        }
    }

    /// Returns one that shows nothing.
    pub fn dark() -> Self {
        Self {
            bars: MultiProgress::new(),
            visible: false,
        }
    }

    /// Prints one line.
    pub fn say(&self, line: &str) {
        if self.visible {
            // Nobody may be reading any more; the demo goes on to its end all the same.
            let _ = self
                .bars
                .suspend(|| writeln!(io::stdout(), "{}", safe(line)));
        }
    }

    /// Returns a bar for so many statements.
    pub fn bar(&self, name: &'static str, length: u64) -> ProgressBar {
        if !self.visible {
            return ProgressBar::hidden();
        }
        let bar = self.bars.add(ProgressBar::new(length).with_prefix(name));
        if let Ok(style) =
            ProgressStyle::with_template("  {prefix:17} {bar:40} {pos:>4} of {len}  {wide_msg}")
        {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(100));
        bar
    }
}
