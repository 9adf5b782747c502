//! A plugin that was built against another `clirbench-abi`: its `encoder/1` has one argument more,
//! its `scenario/1` is the released one. The first is refused, the second works.
//!
//! `encoder.rs` is changed; every other file is the real one.
#![allow(dead_code)] // the host's half of the shared files

use clirbench_plugin::__private::abi::ABI_VERSION;
use clirbench_plugin::__private::{InterfaceSource, ManifestSource, json};

pub mod encoder;
#[path = "../../../../harness/clirbench-abi/src/error.rs"]
pub mod error;
#[path = "../../../../harness/clirbench-abi/src/host.rs"]
pub mod host;
#[path = "../../../../harness/clirbench-abi/src/interface.rs"]
pub mod interface;
#[path = "../../../../harness/clirbench-abi/src/root.rs"]
pub mod root;
#[path = "../../../../harness/clirbench-abi/src/scenario.rs"]
pub mod scenario;

use abi_stable::std_types::{RResult, RSlice, RSliceMut, RStr, RString};
use encoder::{Encoder1, EncoderBox, EncoderModule, Role, TextStats, encoder_box};
use error::AbiError;
use host::HostObject;
use interface::{Interface, InterfaceModule, LayoutMismatch};
use root::export::{LibHeader, Plugin, header};
use scenario::{Scenario1, ScenarioBox, ScenarioModule, scenario_box};

const ANYTHING: &str = r#"{"type":"object"}"#;

const SOURCE: ManifestSource = ManifestSource {
    id: "other-layout",
    version: env!("CARGO_PKG_VERSION"),
    licence: env!("CARGO_PKG_LICENSE"),
    description: env!("CARGO_PKG_DESCRIPTION"),
    interfaces: &[
        InterfaceSource { id: EncoderModule::ID, schema: ANYTHING, detects: &[] },
        InterfaceSource { id: ScenarioModule::ID, schema: ANYTHING, detects: &[] },
    ],
};

#[used]
#[allow(unsafe_code)]
// SAFETY: plain bytes in a section of their own.
#[cfg_attr(target_vendor = "apple", unsafe(link_section = "__DATA,__clirbench"))]
#[cfg_attr(windows, unsafe(link_section = ".clirben"))]
#[cfg_attr(not(any(target_vendor = "apple", windows)), unsafe(link_section = ".clirbench"))]
static RECORD: [u8; SOURCE.len()] = SOURCE.record();

enum Exported {}

impl Plugin for Exported {
    fn manifest() -> String {
        json(&RECORD)
    }

    fn interface(id: &str) -> Option<Interface> {
        match id {
            EncoderModule::ID => Some(Interface::new(const { &EncoderModule { open: open_encoder } })),
            ScenarioModule::ID => Some(Interface::new(const { &ScenarioModule { open: open_scenario } })),
            _ => None,
        }
    }
}

/// The header that the host looks for.
#[allow(unsafe_code)]
// SAFETY: the name that `abi_stable` looks for; a library holds one plugin.
#[unsafe(export_name = "_1as_0lib_1header_0root_bmodule_bloader")]
pub static LIBRARY: LibHeader = header::<Exported>();

struct Zeros;

impl Encoder1 for Zeros {
    fn info(&self) -> RResult<RString, AbiError> {
        RResult::ROk(RString::from(format!(r#"{{"dim":1,"runtime":"ABI {ABI_VERSION}"}}"#)))
    }

    fn render(&self, _role: Role, text: RStr<'_>) -> RResult<RString, AbiError> {
        RResult::ROk(text.into())
    }

    fn encode(
        &mut self,
        _role: Role,
        texts: RSlice<'_, RStr<'_>>,
        out: RSliceMut<'_, f32>,
        _stats: RSliceMut<'_, TextStats>,
        _normalize: bool,
    ) -> RResult<usize, AbiError> {
        out.into_mut_slice().fill(0.0);
        RResult::ROk(texts.len())
    }
}

extern "C" fn open_encoder(_config: RStr<'_>, _host: HostObject) -> RResult<EncoderBox, AbiError> {
    RResult::ROk(encoder_box(Zeros))
}

struct Nothing;

impl Scenario1 for Nothing {
    fn tasks(&self, _view: RStr<'_>) -> RResult<RString, AbiError> {
        RResult::ROk(RString::from("[]"))
    }
}

extern "C" fn open_scenario(_config: RStr<'_>, _host: HostObject) -> RResult<ScenarioBox, AbiError> {
    RResult::ROk(scenario_box(Nothing))
}
