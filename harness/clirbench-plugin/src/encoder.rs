//! The encoder interface: texts in, vectors out.

pub use clirbench_abi::encoder::{EncoderInfo, Role, TextStats};

use crate::{Host, Result};

/// A model that turns texts into vectors.
pub trait Encoder: Send + Sized + 'static {
    /// Opens the encoder. `config` is the plugin's own options, checked against the manifest's
    /// schema; `config["path"]` is the model directory where the bench file names one.
    fn open(config: &serde_json::Value, host: Host) -> Result<Self>;

    /// What the harness has to know before the first text.
    fn info(&self) -> EncoderInfo;

    /// The input that the model really sees for `text`, prompt and special tokens included.
    fn render(&self, role: Role, text: &str) -> Result<String>;

    /// Encodes `texts` into `out` (row-major f32, `[texts.len(), dim]`, wholly overwritten) and
    /// fills one `stats` entry per text. Returns the number of rows written.
    ///
    /// Poll `host.cancelled()` once per batch; report with `host.progress(done, total)`.
    fn encode(
        &mut self,
        role: Role,
        texts: &[&str],
        out: &mut [f32],
        stats: &mut [TextStats],
    ) -> Result<usize>;
}

/// What `export_plugin!` needs of this interface.
#[doc(hidden)]
pub mod exported {
    use clirbench_abi::encoder::{Encoder1, EncoderBox, EncoderModule, encoder_box};
    use clirbench_abi::host::HostObject;
    use clirbench_abi::{AbiError, Interface, InterfaceModule, RResult, RSlice, RSliceMut, RStr, RString};

    use super::{Encoder, Role, TextStats};
    use crate::guard::{Checked, open};
    use crate::manifest::InterfaceSource;
    use crate::wire;

    /// Id of the interface.
    pub const ID: &str = EncoderModule::ID;

    /// The manifest's entry of an encoder without options.
    #[must_use]
    pub const fn source() -> InterfaceSource {
        InterfaceSource::new(ID)
    }

    /// The interface that opens `E`.
    #[must_use]
    pub fn interface<E: Encoder>() -> Interface {
        Interface::new(const { &EncoderModule { open: opened::<E> } })
    }

    extern "C" fn opened<E: Encoder>(config: RStr<'_>, host: HostObject) -> RResult<EncoderBox, AbiError> {
        open(config, host, E::open).map(|encoder| encoder_box(Exported(encoder)))
    }

    struct Exported<E>(Checked<E>);

    impl<E: Encoder> Encoder1 for Exported<E> {
        fn info(&self) -> RResult<RString, AbiError> {
            self.0.call(|encoder| wire::to_json(&encoder.info()))
        }

        fn render(&self, role: Role, text: RStr<'_>) -> RResult<RString, AbiError> {
            self.0.call(|encoder| Ok(encoder.render(role, text.as_str())?.into()))
        }

        fn encode(
            &mut self,
            role: Role,
            texts: RSlice<'_, RStr<'_>>,
            out: RSliceMut<'_, f32>,
            stats: RSliceMut<'_, TextStats>,
        ) -> RResult<usize, AbiError> {
            self.0.call_mut(|encoder| {
                let texts: Vec<&str> = texts.iter().map(|text| text.as_str()).collect();
                encoder.encode(role, &texts, out.into_mut_slice(), stats.into_mut_slice())
            })
        }
    }
}
