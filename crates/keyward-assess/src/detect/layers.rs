//! Layers of container images: what a later layer deletes is still in the image, and is said to be.

use std::collections::BTreeMap;

use crate::finding::Finding;

/// Whiteouts seen in one file: layer (the members around it) and the path it deletes.
#[derive(Debug, Default)]
pub struct Layers {
    deleted: Vec<(Vec<String>, String)>,
    /// Layers in the order the manifest gives.
    order: BTreeMap<String, usize>,
}

impl Layers {
    /// Notes a member; only whiteouts are kept.
    pub fn note(&mut self, layer: &[String], name: &str) {
        let (directory, file) = name.rsplit_once('/').unwrap_or(("", name));
        let Some(gone) = file.strip_prefix(".wh.") else {
            return;
        };
        let path = if gone == ".wh..opq" {
            format!("{directory}/")
        } else if directory.is_empty() {
            gone.to_owned()
        } else {
            format!("{directory}/{gone}")
        };
        if self.deleted.len() < 100_000 {
            self.deleted.push((layer.to_owned(), path));
        }
    }

    /// Reads `manifest.json` of `docker save`: the order of the layers.
    pub fn manifest(&mut self, data: &[u8]) {
        let Ok(root) = serde_json::from_slice::<serde_json::Value>(data) else {
            return;
        };
        for image in root.as_array().into_iter().flatten() {
            let layers = image.get("Layers").and_then(serde_json::Value::as_array);
            for (index, layer) in layers.into_iter().flatten().enumerate() {
                if let Some(name) = layer.as_str() {
                    self.order.insert(name.to_owned(), index);
                }
            }
        }
    }

    /// Marks what a later layer deletes.
    pub fn mark(&self, findings: &mut [Finding]) {
        if self.deleted.is_empty() {
            return;
        }
        let place = |layer: &[String]| layer.first().and_then(|name| self.order.get(name)).copied();
        for finding in findings {
            let members = &finding.location.members;
            let (Some(path), true) = (members.get(1), members.len() >= 2) else {
                continue;
            };
            let path = path.trim_start_matches("./");
            let own = members.get(..1).unwrap_or_default();
            let gone = self.deleted.iter().any(|(layer, deleted)| {
                let deleted = deleted.trim_start_matches("./");
                let covers = path == deleted
                    || path
                        .strip_prefix(deleted)
                        .is_some_and(|rest| rest.starts_with('/') || deleted.ends_with('/'));
                let later = match (place(own), place(layer)) {
                    (Some(own), Some(other)) => other > own,
                    _ => layer.first() != own.first(),
                };
                covers && later
            });
            if gone {
                finding.properties.insert(
                    "layer-state".to_owned(),
                    "deleted by a later layer, still in the image".to_owned(),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Kind;

    #[test]
    fn what_a_later_layer_deletes_is_marked_and_what_an_earlier_one_deletes_is_not() {
        let mut layers = Layers::default();
        layers.manifest(br#"[{"Layers":["a.tar","b.tar"]}]"#);
        layers.note(&["b.tar".to_owned()], "etc/.wh.key.pem");
        let mut early = Finding::new(Kind::PrivateKey, "pkcs8", "key");
        early.location.members = vec!["a.tar".to_owned(), "etc/key.pem".to_owned()];
        let mut late = early.clone();
        late.location.members = vec!["b.tar".to_owned(), "etc/key.pem".to_owned()];
        let mut all = [early, late];
        layers.mark(&mut all);
        assert!(all[0].properties.contains_key("layer-state"));
        assert!(!all[1].properties.contains_key("layer-state"));
    }
}
