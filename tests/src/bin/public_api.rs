//! Prints what is public of a crate, one item a line, by what rustdoc says of it as JSON: `public_api FILE`

use std::error::Error;

/// Every type has these, or none that an app would miss.
const OF_NO_USE: [&str; 4] = [
    "core::marker::Freeze for ",
    "core::marker::UnsafeUnpin for ",
    "core::panic::unwind_safe::RefUnwindSafe for ",
    "core::panic::unwind_safe::UnwindSafe for ",
];

fn main() -> Result<(), Box<dyn Error>> {
    let file = std::env::args_os().nth(1).ok_or("usage: public_api FILE")?;
    let api = public_api::Builder::from_rustdoc_json(file)
        .omit_blanket_impls(true)
        .build()?;
    for item in api.items().map(ToString::to_string) {
        if !OF_NO_USE.iter().any(|known| item.contains(known)) {
            println!("{item}");
        }
    }
    Ok(())
}
