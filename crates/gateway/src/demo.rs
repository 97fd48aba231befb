//! The main job, played on a temporary store through real connections, for a reader to watch.

mod answer;
mod person;
mod socket;
mod stage;
mod story;

use std::io::{IsTerminal, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;

use crate::config::ServeArgs;
use crate::{clock, start};
use stage::Stage;

/// Why a demo did not end well.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// There was nothing to play on, or nobody to show it to.
    #[error("the demo could not be played: {0}")]
    NotPlayed(String),
    /// Something was not as it should be.
    #[error("the demo failed: {0}")]
    Failed(String),
}

impl From<std::io::Error> for DemoError {
    fn from(error: std::io::Error) -> Self {
        Self::NotPlayed(error.to_string())
    }
}

type Result<T = ()> = std::result::Result<T, DemoError>;

/// Plays the demo and shows it on `out`, with colour if that is a terminal.
///
/// # Errors
/// [`DemoError::Failed`] at the first thing that is not as it should be.
pub async fn run(out: impl Write + IsTerminal) -> Result {
    let folder = TemporaryFolder::make()?;
    let settings = settings(&folder).map_err(DemoError::NotPlayed)?;
    let node = start(settings)
        .await
        .map_err(|e| DemoError::NotPlayed(e.to_string()))?;
    let began = clock::monotonic();
    let coloured = out.is_terminal();
    let mut stage = Stage::new(out, coloured);
    let played = story::play(&mut stage, node.address).await;
    node.stop().await;
    folder.remove()?;
    played?;
    stage.summary(began.elapsed())
}

/// The settings of any node, but for the port, which is a free one, and the file.
fn settings(folder: &TemporaryFolder) -> std::result::Result<ServeArgs, String> {
    let mut settings = ServeArgs::defaults().map_err(|e| e.to_string())?;
    settings.listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let file = folder.path.join("pinwire.db");
    settings.database.database_url = format!("sqlite:{}", file.display()).into();
    Ok(settings)
}

/// A folder that is gone when the demo is over, however it ends.
struct TemporaryFolder {
    path: PathBuf,
}

impl TemporaryFolder {
    fn make() -> Result<Self> {
        let number = u64::from_be_bytes(clock::random_bytes());
        let path = std::env::temp_dir().join(format!("pinwire-demo-{number:016x}"));
        std::fs::DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self { path })
    }

    fn remove(&self) -> Result {
        Ok(std::fs::remove_dir_all(&self.path)?)
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        if self.path.exists()
            && let Err(error) = self.remove()
        {
            tracing::warn!(%error, path = %self.path.display(), "a temporary folder is left");
        }
    }
}
