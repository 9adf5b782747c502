//! A plugin whose file says another version than its code: it has to be refused when loaded.

use clirbench_plugin::__private::{InterfaceSource, ManifestSource, json};

const CODE: ManifestSource = ManifestSource {
    id: "liar",
    version: env!("CARGO_PKG_VERSION"),
    licence: env!("CARGO_PKG_LICENSE"),
    description: env!("CARGO_PKG_DESCRIPTION"),
    // Named, so that a bench file can choose it; it is never asked for.
    interfaces: &[InterfaceSource { id: "encoder/1", schema: r#"{"type":"object"}"#, detects: &[] }],
};

const FILE: ManifestSource = ManifestSource { version: "9.9.9", ..CODE };

static CODE_RECORD: [u8; CODE.len()] = CODE.record();

clirbench_plugin::__export! {
    source: FILE,
    manifest: json(&CODE_RECORD),
    interface: |_id| None,
}
