//! Changes that happen while a caller is at work: between two pages of a list.

use serde::{Deserialize, Serialize};

use crate::{Act, State};

/// Acts that are done once, after so many requests were answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hook {
    /// Requests whose path begins so are counted.
    pub path: String,
    /// How many of them; 1 is the next.
    pub after: u32,
    /// To whose records.
    pub company: u64,
    /// What happens, in this order. What cannot be done is passed over.
    pub acts: Vec<Act>,
}

/// Counts a request, and takes out the hooks whose time has come.
pub(crate) fn take(hooks: &mut Vec<Hook>, path: &str) -> Vec<Hook> {
    for hook in hooks.iter_mut().filter(|hook| path.starts_with(&hook.path)) {
        hook.after = hook.after.saturating_sub(1);
    }
    hooks.extract_if(.., |hook| hook.after == 0).collect()
}

impl State {
    /// A request was answered, and the answer is on its way.
    pub(crate) fn answered(&self, path: &str) {
        let hooks = take(&mut self.lock().hooks, path);
        for hook in hooks {
            for act in &hook.acts {
                let _ = self.act(hook.company, act);
            }
        }
    }

    /// Does something after some requests from now.
    pub fn add_hook(&self, hook: Hook) {
        self.lock().hooks.push(hook);
    }

    /// Nothing happens any more while a caller is at work.
    pub fn clear_hooks(&self) {
        self.lock().hooks.clear();
    }
}
