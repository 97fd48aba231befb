//! Passwords: Argon2id, on no more threads than there are cores.

use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use argon2::password_hash;
use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{Semaphore, oneshot};

use crate::clock;
use crate::error::{ApiError, ApiResult, reasons};

/// KiB of memory that one hash takes (19 MiB, as OWASP asks for).
const MEMORY_KIB: u32 = 19 * 1_024;
/// Passes over that memory.
const PASSES: u32 = 2;
/// Lanes of that memory.
const LANES: u32 = 1;
/// Bytes of salt.
const SALT_LEN: usize = 16;
/// How long a request waits for a thread; then it is told to come back.
const WAIT_MAX: Duration = Duration::from_secs(2);

/// How a password compares with a stored hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// It is another password, or there is none.
    Wrong,
    /// It is the password.
    Right,
    /// It is the password, and the hash was made with other parameters than today's.
    Outdated,
}

/// What a hash fills: kept by each hashing thread from one hash to the next.
type Memory = Vec<Block>;
/// Something to do on a hashing thread.
type Work = Box<dyn FnOnce(&mut Memory) + Send>;

/// Hashes passwords and compares them with hashes.
pub struct Passwords {
    threads: Arc<Semaphore>,
    /// To the hashing threads, which are always the same: each keeps the memory of a hash for the next.
    work: Sender<Work>,
    /// The hash of no password at all: comparing with it takes as long as with anybody's.
    nobody: Arc<str>,
}

impl Passwords {
    /// With as many threads as there are cores.
    ///
    /// # Errors
    /// Says why no password can be hashed.
    pub fn new() -> Result<Self, String> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let secret: [u8; 32] = clock::random_bytes();
        let salt: [u8; SALT_LEN] = clock::random_bytes();
        // Nobody knows a password that hashes to chance.
        let nobody = Output::new(&secret).and_then(|secret| phc(&salt, secret));
        let nobody = nobody.map_err(|e| format!("cannot hash passwords: {e}"))?;
        let (work, waiting) = mpsc::channel::<Work>();
        let waiting = Arc::new(Mutex::new(waiting));
        for number in 0..cores {
            let waiting = Arc::clone(&waiting);
            std::thread::Builder::new()
                .name(format!("passwords-{number}"))
                .spawn(move || {
                    let mut memory = Memory::new();
                    while do_next(&waiting, &mut memory) {}
                })
                .map_err(|e| format!("cannot start a thread for passwords: {e}"))?;
        }
        Ok(Self {
            threads: Arc::new(Semaphore::new(cores)),
            work,
            nobody: nobody.into(),
        })
    }

    /// The hash of a new password, as a PHC string.
    ///
    /// # Errors
    /// 503 when too many passwords are waiting.
    pub async fn hash(&self, password: &SecretString) -> ApiResult<String> {
        let password = password.clone();
        self.run(move |memory| hash(password.expose_secret().as_bytes(), memory))
            .await
    }

    /// Compares a password with a stored hash; takes as long where there is none.
    ///
    /// # Errors
    /// 503 when too many passwords are waiting.
    pub async fn compare(
        &self,
        password: &SecretString,
        stored: Option<&str>,
    ) -> ApiResult<Comparison> {
        let password = password.clone();
        let known = stored.is_some();
        let stored: Arc<str> = stored.map_or_else(|| Arc::clone(&self.nobody), Arc::from);
        let comparison = self
            .run(move |memory| compare(password.expose_secret().as_bytes(), &stored, memory))
            .await?;
        Ok(if known { comparison } else { Comparison::Wrong })
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Memory) -> password_hash::Result<T> + Send + 'static,
    ) -> ApiResult<T> {
        let threads = Arc::clone(&self.threads);
        let waited = tokio::time::timeout(WAIT_MAX, threads.acquire_owned()).await;
        let Ok(Ok(thread)) = waited else {
            let message = "too many passwords are being checked";
            return Err(ApiError::new(reasons::UNAVAILABLE, message).retry_after_s(1));
        };
        let (answer, answered) = oneshot::channel();
        let work: Work = Box::new(move |memory| {
            // Held to the end, also when the client has gone: the work goes on.
            let _thread = thread;
            drop(answer.send(work(memory)));
        });
        let internal = |cause: String| ApiError::new(reasons::INTERNAL, cause);
        self.work.send(work).map_err(|e| internal(e.to_string()))?;
        answered
            .await
            .map_err(|e| internal(e.to_string()))?
            .map_err(|e| internal(e.to_string()))
    }
}

/// Waits for something to do and does it; false when nothing will come any more.
fn do_next(waiting: &Mutex<Receiver<Work>>, memory: &mut Memory) -> bool {
    let next = waiting
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .recv();
    // A panic must not end the thread: the next password would wait for ever.
    let done =
        next.map(|work| std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work(memory))));
    done.is_ok()
}

fn params() -> password_hash::Result<Params> {
    Ok(Params::new(MEMORY_KIB, PASSES, LANES, None)?)
}

/// A hash as it is stored.
fn phc(salt: &[u8], hash: Output) -> password_hash::phc::Result<String> {
    let params = params().and_then(|params| ParamsString::try_from(&params));
    let params = params.map_err(|_| password_hash::phc::Error::ParamsMaxExceeded)?;
    Ok(PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params,
        salt: Some(Salt::new(salt)?),
        hash: Some(hash),
    }
    .to_string())
}

/// Fills `memory` and gives `len` bytes.
fn digest(
    argon2: &Argon2<'_>,
    (password, salt): (&[u8], &[u8]),
    len: usize,
    memory: &mut Memory,
) -> password_hash::Result<Output> {
    let blocks = argon2.params().block_count();
    if memory.len() < blocks {
        memory.resize(blocks, Block::new());
    }
    let mut buffer = [0; Output::MAX_LENGTH];
    let out = buffer.get_mut(..len);
    let out = out.ok_or(password_hash::Error::OutputSize)?;
    argon2.hash_password_into_with_memory(password, salt, out, memory.as_mut_slice())?;
    Ok(Output::new(out)?)
}

fn hash(password: &[u8], memory: &mut Memory) -> password_hash::Result<String> {
    let salt: [u8; SALT_LEN] = clock::random_bytes();
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params()?);
    let len = Params::DEFAULT_OUTPUT_LEN;
    let hash = digest(&argon2, (password, &salt), len, memory)?;
    Ok(phc(&salt, hash)?)
}

fn compare(
    password: &[u8],
    stored: &str,
    memory: &mut Memory,
) -> password_hash::Result<Comparison> {
    let stored = PasswordHash::new(stored)?;
    let (Some(salt), Some(expected)) = (&stored.salt, &stored.hash) else {
        return Err(password_hash::Error::EncodingInvalid);
    };
    let algorithm = Algorithm::try_from(stored.algorithm.as_str())?;
    let version = stored.version.map(Version::try_from).transpose()?;
    let params = Params::try_from(&stored)?;
    let argon2 = Argon2::new(algorithm, version.unwrap_or_default(), params);
    let len = expected.as_ref().len();
    // Outputs are compared in constant time.
    if digest(&argon2, (password, salt.as_ref()), len, memory)? != *expected {
        return Ok(Comparison::Wrong);
    }
    Ok(if is_current(&stored) {
        Comparison::Right
    } else {
        Comparison::Outdated
    })
}

/// Whether a hash was made as one would be made now.
fn is_current(stored: &PasswordHash) -> bool {
    let same_params = Params::try_from(stored).is_ok_and(|params| {
        (params.m_cost(), params.t_cost(), params.p_cost()) == (MEMORY_KIB, PASSES, LANES)
    });
    same_params
        && stored.algorithm == Algorithm::Argon2id.ident()
        && stored.version == Some(Version::V0x13.into())
}

#[cfg(test)]
mod tests {
    use argon2::password_hash::PasswordHasher;

    use super::*;

    fn secret(text: &str) -> SecretString {
        SecretString::from(text.to_owned())
    }

    #[tokio::test]
    async fn a_password_is_known_again_by_its_hash() {
        let passwords = Passwords::new().unwrap();
        let hash = passwords.hash(&secret("correct horse")).await.unwrap();
        assert!(
            hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{hash}"
        );
        let compare =
            async |text: &str, stored| passwords.compare(&secret(text), stored).await.unwrap();
        assert_eq!(
            compare("correct horse", Some(&hash)).await,
            Comparison::Right
        );
        assert_eq!(
            compare("correct hors", Some(&hash)).await,
            Comparison::Wrong
        );
        assert_eq!(compare("", Some(&hash)).await, Comparison::Wrong);
        assert_eq!(compare("correct horse", None).await, Comparison::Wrong);
        let again = passwords.hash(&secret("correct horse")).await.unwrap();
        assert_ne!(again, hash, "each has a salt of its own");
    }

    #[tokio::test]
    async fn a_hash_of_other_parameters_is_right_and_outdated() {
        let passwords = Passwords::new().unwrap();
        let weak = Params::new(8 * 1_024, 1, 1, None).unwrap();
        for algorithm in [Algorithm::Argon2id, Algorithm::Argon2i] {
            let old = Argon2::new(algorithm, Version::V0x13, weak.clone());
            let hash = old
                .hash_password_with_salt(b"correct horse", &[1; 16])
                .unwrap()
                .to_string();
            let compared = passwords
                .compare(&secret("correct horse"), Some(&hash))
                .await
                .unwrap();
            assert_eq!(compared, Comparison::Outdated);
            let compared = passwords
                .compare(&secret("wrong horse"), Some(&hash))
                .await
                .unwrap();
            assert_eq!(compared, Comparison::Wrong);
        }
    }

    #[tokio::test]
    async fn a_broken_hash_is_a_fault_and_no_wrong_password() {
        let passwords = Passwords::new().unwrap();
        let error = passwords
            .compare(&secret("x"), Some("hash"))
            .await
            .unwrap_err();
        assert_eq!(error.reason(), reasons::INTERNAL);
    }

    #[tokio::test]
    async fn who_waits_too_long_is_told_to_come_back() {
        let passwords = Passwords::new().unwrap();
        let cores = std::thread::available_parallelism().unwrap().get();
        let all = u32::try_from(cores).unwrap();
        let held = passwords.threads.acquire_many(all).await.unwrap();
        let error = passwords.hash(&secret("correct horse")).await.unwrap_err();
        assert_eq!(error.reason(), reasons::UNAVAILABLE);
        drop(held);
        assert!(passwords.hash(&secret("correct horse")).await.is_ok());
    }
}
