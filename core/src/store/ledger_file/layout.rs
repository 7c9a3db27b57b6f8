//! Layout of the `.ledger` file: the numbers, the accounts of further upstreams, the notes.

/// First bytes of the file: its format, the first.
pub(crate) const MARK: [u8; 8] = *b"Pannier1";

/// Offset of the accounts of further upstreams.
pub(crate) const NUMBERS_END: usize = 160;

/// Number of integers in each account.
pub(super) const ACCOUNT_NUMBERS: usize = 5;

/// Most upstreams at once, besides the first.
pub(super) const MOST_ACCOUNTS: usize = 31;

/// Size of the accounts of further upstreams: a count and a checksum, then the accounts.
pub(super) const ACCOUNTS_BYTES: usize = 8 + MOST_ACCOUNTS * ACCOUNT_NUMBERS * 8;

/// Offset of the notes of what is withdrawn.
pub(crate) const HEADER: u64 = (NUMBERS_END + ACCOUNTS_BYTES) as u64;
