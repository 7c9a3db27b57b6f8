//! A signer whose key is at hand: in PEM, as OpenSSL writes it.

use std::fmt;

use ring::rand::SystemRandom;
use ring::signature::{
    RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RsaEncoding, RsaKeyPair,
};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::algorithm::Algorithm;
use crate::sign::{SignError, Signer};

/// Signer with an RSA key of 2048 to 4096 bits. Its signing takes the same time whatever the key, but is not made to
/// withstand who may ask it for any number of signatures over a network.
pub struct KeySigner {
    key: RsaKeyPair,
    certificates: Vec<Vec<u8>>,
    algorithm: Algorithm,
}

impl KeySigner {
    /// Takes a key in PEM (`PRIVATE KEY` or `RSA PRIVATE KEY`, without a password) and its certificates in PEM, its own
    /// first.
    pub fn from_pem(
        key: &[u8],
        certificates: &[u8],
        algorithm: Algorithm,
    ) -> Result<Self, SignError> {
        let unusable = |why: &str| SignError::Unusable(why.into());
        let key = match PrivateKeyDer::from_pem_slice(key) {
            Ok(PrivateKeyDer::Pkcs8(key)) => RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()),
            Ok(PrivateKeyDer::Pkcs1(key)) => RsaKeyPair::from_der(key.secret_pkcs1_der()),
            _ => return Err(unusable("there is no private RSA key in PEM")),
        };
        let key = key.map_err(|why| unusable(&format!("its key is refused: {why}")))?;
        let certificates = CertificateDer::pem_slice_iter(certificates)
            .map(|certificate| certificate.map(|it| it.to_vec()))
            .collect::<Result<_, _>>()
            .map_err(|_| unusable("its certificates are not in PEM"))?;
        Ok(Self {
            key,
            certificates,
            algorithm,
        })
    }
}

impl Signer for KeySigner {
    fn certificates(&self) -> Result<Vec<Vec<u8>>, SignError> {
        Ok(self.certificates.clone())
    }

    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let encoding: &dyn RsaEncoding = match self.algorithm {
            Algorithm::Rs256 => &RSA_PKCS1_SHA256,
            Algorithm::Rs384 => &RSA_PKCS1_SHA384,
            Algorithm::Rs512 => &RSA_PKCS1_SHA512,
        };
        let mut signature = vec![0; self.key.public().modulus_len()];
        let random = SystemRandom::new();
        self.key
            .sign(encoding, &random, message, &mut signature)
            .map_err(|_| SignError::Signer("the RSA operation did not succeed".into()))?;
        Ok(signature)
    }
}

/// Tells nothing of the key.
impl fmt::Debug for KeySigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeySigner")
            .field("algorithm", &self.algorithm)
            .field("certificates", &self.certificates.len())
            .finish_non_exhaustive()
    }
}
