//! Where what stands in the file beside the queue, `….ledger`: the numbers, the accounts of further upstreams, the notes.

/// What it begins with: its format, the first.
pub(crate) const MARK: [u8; 8] = *b"Pannier1";

/// The accounts of further upstreams begin here.
pub(crate) const NUMBERS_END: usize = 160;

/// Numbers of each account.
pub(super) const ACCOUNT_NUMBERS: usize = 5;

/// The most upstreams that there are at once, besides the first.
pub(super) const MOST_ACCOUNTS: usize = 31;

/// A count and a checksum, then the accounts.
pub(super) const ACCOUNTS_BYTES: usize = 8 + MOST_ACCOUNTS * ACCOUNT_NUMBERS * 8;

/// What is withdrawn begins here.
pub(crate) const HEADER: u64 = (NUMBERS_END + ACCOUNTS_BYTES) as u64;
