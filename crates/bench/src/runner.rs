//! Runs workloads on servers, in turn, so that figures that are compared were taken close to each other.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};

use crate::cli::{Cli, Settings};
use crate::figures::Figures;
use crate::progress::Progress;
use crate::report::{Measured, Report};
use crate::servers::{Places, Profile, Target};
use crate::workloads::Case;

/// Runs what the command line asks for; whether all runs were valid.
pub(crate) async fn run(cli: &Cli) -> Result<bool> {
    let progress = Progress::new();
    let cases = Case::of(&cli.workload)?;
    let mut targets = targets(&cli.settings, &progress).await?;
    let mut report = Report::default();
    for case in &cases {
        let runs = if case.is_once() { 1 } else { cli.settings.runs };
        for run in 1..=runs {
            for target in targets.iter_mut().filter(|it| case.suits(it.profile)) {
                let profile = target.profile.name();
                progress.title(&format!("{}, {profile}, run {run} of {runs}", case.name()));
                let ran = case.run(target, &cli.settings, &progress).await;
                let figures = ran.unwrap_or_else(|error| Figures {
                    void: Some(format!("{error:#}")),
                    ..Figures::default()
                });
                report.measured.push(Measured {
                    case: case.name(),
                    profile,
                    run,
                    figures,
                });
            }
        }
        progress.print(&report.table(&case.name()));
        // What is measured is kept, whatever happens later.
        if let Some(path) = &cli.settings.json {
            std::fs::write(path, report.json()?)?;
        }
    }
    progress.end();
    drop(targets);
    print!("{}", report.summary());
    Ok(report.is_valid())
}

async fn targets(settings: &Settings, progress: &Progress) -> Result<Vec<Target>> {
    if !settings.url.is_empty() {
        return Ok(vec![Target::at(settings.url.clone())?]);
    }
    let places = Places {
        pinwire: program(settings)?,
        folder: settings.folder.clone().unwrap_or_else(std::env::temp_dir),
    };
    let mut targets = Vec::new();
    for profile in &settings.profile {
        progress.title(&format!("servers of the profile {}", profile.name()));
        if *profile == Profile::Url {
            bail!("for a server that runs already, give its --url");
        }
        targets.push(Target::start(*profile, &places, 1).await?);
    }
    Ok(targets)
}

/// The program of Pinwire, as it stands in the source.
fn program(settings: &Settings) -> Result<PathBuf> {
    if let Some(named) = &settings.pinwire {
        return Ok(std::path::absolute(named)?);
    }
    // What is there may be older than the source.
    let built = Command::new("cargo")
        .args([
            "build",
            "--release",
            "-p",
            "pinwire-gateway",
            "--bin",
            "pinwire",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()?;
    anyhow::ensure!(
        built.success(),
        "Pinwire cannot be built; name a program by --pinwire"
    );
    let program = std::env::current_exe()?.with_file_name("pinwire");
    anyhow::ensure!(
        program.exists(),
        "{} is missing; name it by --pinwire",
        program.display()
    );
    Ok(program)
}
