//! Passwords: hashed and checked off the threads that answer requests, a few at a time.

use crate::Refusal;
use crate::app::App;
use crate::manage::invalid;
use argon2::password_hash::{PasswordHash, SaltString};
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use bailiwick_domain::failure::{self, ProductCode};

/// Shortest password, in characters.
const PASSWORD_CHARS: usize = 12;
/// Longest password, in bytes: more would only cost time.
pub(super) const PASSWORD_BYTES: usize = 1024;
/// What the password of a name that nobody has is compared with: made with the same parameters as every other, from a
/// password that was thrown away.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5IGhhcyB0aGlzIQ$mJ0Gn6d0h2z7mZ0m5l0Qy3b8Jm2m0c3nQ4b7kq1XvJc";

fn failed<T>(_: T) -> Refusal {
    failure::error(ProductCode::Internal, "The password could not be hashed.")
}

/// Argon2id with 19 MiB, two passes and one lane: the first choice of OWASP's password storage guidance.
fn argon2() -> Result<Argon2<'static>, Refusal> {
    let params = Params::new(19 * 1024, 2, 1, None).map_err(failed)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// Hashes a new password.
///
/// # Errors
/// One that is too short or too long.
pub(crate) async fn hash(app: &App, password: &str) -> Result<String, Refusal> {
    if password.chars().count() < PASSWORD_CHARS {
        return Err(invalid(format!("A password has at least {PASSWORD_CHARS} characters.")));
    }
    if password.len() > PASSWORD_BYTES {
        return Err(invalid(format!("A password has at most {PASSWORD_BYTES} bytes.")));
    }
    let salt = SaltString::encode_b64(&app.random::<16>()).map_err(failed)?;
    let password = password.to_owned();
    let argon2 = argon2()?;
    off_thread(app, move || {
        argon2.hash_password(password.as_bytes(), &salt).map(|hash| hash.to_string()).map_err(failed)
    })
    .await?
}

/// Whether the password is the one of the stored hash. Without one, that of a name nobody has, the same work is done
/// for a hash that nothing fits.
pub(crate) async fn fits(app: &App, stored: Option<String>, password: &str) -> Result<bool, Refusal> {
    let password = password.to_owned();
    off_thread(app, move || judge(stored.as_deref(), |hash| verify(hash, &password))).await
}

/// Every way through compares once.
fn judge(stored: Option<&str>, compare: impl FnOnce(&str) -> bool) -> bool {
    let fits = compare(stored.unwrap_or(NOBODY));
    fits && stored.is_some()
}

fn verify(hash: &str, password: &str) -> bool {
    let (Ok(hash), Ok(argon2)) = (PasswordHash::new(hash), argon2()) else { return false };
    argon2.verify_password(password.as_bytes(), &hash).is_ok()
}

async fn off_thread<T: Send + 'static>(app: &App, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Refusal> {
    let _turn = app.access().hashing.acquire().await.map_err(failed)?;
    tokio::task::spawn_blocking(work).await.map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn a_name_nobody_has_costs_as_much_as_a_wrong_password() {
        let check = |stored: Option<&str>, same: bool, expect: bool| {
            let compared = Cell::new(0);
            let fits = judge(stored, |hash| {
                compared.set(compared.get() + 1);
                let cost = PasswordHash::new(hash).unwrap();
                assert_eq!(Params::try_from(&cost).unwrap().m_cost(), 19 * 1024, "the same memory");
                assert_eq!(Params::try_from(&cost).unwrap().t_cost(), 2, "the same passes");
                assert_eq!(cost.hash.unwrap().len(), 32, "the same length");
                same
            });
            assert_eq!((fits, compared.get()), (expect, 1));
        };
        check(None, false, false);
        check(None, true, false);
        check(Some(NOBODY), false, false);
        check(Some(NOBODY), true, true);
    }

    #[test]
    fn hashes_fit_their_password_alone() {
        let salt = SaltString::encode_b64(&[7; 16]).unwrap();
        let hash = argon2().unwrap().hash_password(b"correct horse", &salt).unwrap().to_string();
        assert!(verify(&hash, "correct horse") && !verify(&hash, "correct hors") && !verify("", ""));
        assert!(!verify(NOBODY, "nobody"));
    }
}
