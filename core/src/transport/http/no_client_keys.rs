//! Pannier shows no client certificate, so nothing is ever signed. Without this the signing half of
//! RSA, ECDSA and Ed25519 would be part of every app: some 50 KB.

use std::sync::Arc;

use rustls::Error;
use rustls::crypto::KeyProvider;
use rustls::pki_types::PrivateKeyDer;
use rustls::sign::SigningKey;

/// Provider that loads no private key.
#[derive(Debug)]
pub(super) struct NoClientKeys;

impl KeyProvider for NoClientKeys {
    fn load_private_key(&self, _: PrivateKeyDer<'static>) -> Result<Arc<dyn SigningKey>, Error> {
        Err(Error::General(
            "client certificates are not supported".to_owned(),
        ))
    }
}
