//! What links are compared with: shorteners, affiliate networks, and domains that others imitate.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use url::Url;

use super::{domain_of, host_and_parents, judge};

/// Names that links are compared with.
#[derive(Debug, Clone)]
pub struct Lists {
    shorteners: HashSet<String>,
    affiliate_hosts: HashSet<String>,
    affiliate_parameters: HashSet<String>,
    /// By host.
    affiliate_parameters_there: HashMap<String, HashSet<String>>,
    known_domains: HashSet<String>,
    /// What the first label of each known domain looks like, and that label.
    known_looks: HashMap<String, String>,
}

/// Those that come with Pinwire; each file in `data` names its source and date.
static OURS: LazyLock<Lists> = LazyLock::new(|| {
    Lists::new(
        include_str!("../../data/shorteners.txt"),
        include_str!("../../data/affiliate_hosts.txt"),
        include_str!("../../data/affiliate_parameters.txt"),
        include_str!("../../data/known_domains.txt"),
    )
});

/// The lines of a list that say something. A `#` begins a comment.
pub fn lines(list: &str) -> impl Iterator<Item = &str> {
    let lines = list
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default().trim());
    lines.filter(|line| !line.is_empty())
}

impl Lists {
    fn new(shorteners: &str, hosts: &str, parameters: &str, known: &str) -> Self {
        let all = |list| lines(list).map(str::to_owned).collect::<HashSet<_>>();
        let mut lists = Self {
            shorteners: all(shorteners),
            affiliate_hosts: all(hosts),
            affiliate_parameters: HashSet::new(),
            affiliate_parameters_there: HashMap::new(),
            known_domains: all(known),
            known_looks: HashMap::new(),
        };
        for domain in &lists.known_domains {
            let label = judge::first_label(domain).to_owned();
            lists.known_looks.insert(judge::look(&label), label);
        }
        lists.add_affiliate_parameters(parameters);
        lists
    }

    /// Those that come with Pinwire.
    #[must_use]
    pub fn ours() -> Self {
        OURS.clone()
    }

    /// Adds hosts of shorteners, one a line.
    pub fn add_shorteners(&mut self, list: &str) {
        self.shorteners.extend(lines(list).map(str::to_lowercase));
    }

    /// Adds hosts of affiliate networks, one a line.
    pub fn add_affiliate_hosts(&mut self, list: &str) {
        self.affiliate_hosts
            .extend(lines(list).map(str::to_lowercase));
    }

    /// Adds parameters that name who earns by a click, one a line; after a host and a space, one that does so there.
    pub fn add_affiliate_parameters(&mut self, list: &str) {
        for line in lines(list) {
            if let Some((host, name)) = line.split_once(' ') {
                let there = self.affiliate_parameters_there.entry(host.to_lowercase());
                there.or_default().insert(name.trim().to_lowercase());
            } else {
                self.affiliate_parameters.insert(line.to_lowercase());
            }
        }
    }

    pub(super) fn is_shortener(&self, host: &str) -> bool {
        host_and_parents(host).any(|it| self.shorteners.contains(it))
    }

    /// Whether somebody earns by a click on it.
    pub(super) fn is_affiliate(&self, url: &Url, host: &str) -> bool {
        if host_and_parents(host).any(|it| self.affiliate_hosts.contains(it)) {
            return true;
        }
        let there: Vec<&HashSet<String>> = host_and_parents(host)
            .filter_map(|it| self.affiliate_parameters_there.get(it))
            .collect();
        url.query_pairs().any(|(name, _)| {
            let name = name.to_lowercase();
            self.affiliate_parameters.contains(&name)
                || there.iter().any(|names| names.contains(&name))
        })
    }

    /// Whether a host, in its own letters, could be taken for a known domain that it is not of.
    pub(super) fn imitates(&self, host: &str) -> bool {
        let Some(domain) = domain_of(host) else {
            return false;
        };
        // Like paypa1.com.
        let label = judge::first_label(&domain);
        let like = self.known_looks.get(&judge::look(label));
        if like.is_some_and(|known| known != label) {
            return true;
        }
        // Like paypal.com.login.example.
        let before = host.strip_suffix(domain.as_str()).unwrap_or_default();
        let before = format!(".{before}");
        let known = self.known_domains.iter();
        let mut known = known.filter(|known| !domain.eq(*known));
        known.any(|known| before.contains(&format!(".{known}.")))
    }
}
