//! `export_plugin!`.

/// Exports a plugin: embeds its manifest in the library and makes its interfaces loadable.
///
/// Call it once, at the top level of the crate. Version, licence and description come from the
/// crate's `Cargo.toml`.
///
/// ```
/// # use clirbench_plugin::{DatasetView, Host, Result, Scenario, Task};
/// # struct Nothing;
/// # impl Scenario for Nothing {
/// #     fn open(_: &clirbench_plugin::serde_json::Value, _: Host) -> Result<Self> { Ok(Nothing) }
/// #     fn tasks(&self, _: &DatasetView) -> Result<Vec<Task>> { Ok(vec![]) }
/// # }
/// clirbench_plugin::export_plugin! {
///     id: "scenario-nothing",
///     interfaces: [scenario: Nothing],
/// }
/// # fn main() {}
/// ```
///
/// An interface is `encoder`, `scenario`, `loss`, `trainer`, `fisher` or `merger` and the type that implements the trait of that name. A
/// block after the type adds what the host needs to know before it opens it; both lines are
/// optional, in this order and each with its comma:
///
/// ```
/// # use clirbench_plugin::{DatasetView, Encoder, EncoderInfo, Host, Result, Role, TextStats};
/// # struct Onnx;
/// # impl Encoder for Onnx {
/// #     fn open(_: &clirbench_plugin::serde_json::Value, _: Host) -> Result<Self> { Ok(Onnx) }
/// #     fn info(&self) -> EncoderInfo { EncoderInfo::default() }
/// #     fn render(&self, _: Role, text: &str) -> Result<String> { Ok(text.into()) }
/// #     fn encode(&mut self, _: Role, _: &[&str], _: &mut [f32], _: &mut [TextStats]) -> Result<usize> { Ok(0) }
/// # }
/// clirbench_plugin::export_plugin! {
///     id: "encoder-onnx",
///     interfaces: [
///         encoder: Onnx {
///             // Or, for a schema of any size: include_str!("../config.schema.json")
///             schema: r#"{
///                 "type": "object",
///                 "properties": { "path": { "type": "string" } },
///                 "required": ["path"],
///                 "additionalProperties": false
///             }"#,
///             detects: ["onnx/*.onnx", "*.onnx"],
///         },
///     ],
/// }
/// # fn main() {}
/// ```
///
/// - `schema`: JSON schema of the config. The host refuses a config that does not fit before it
///   loads the library, so declare every key, `path` (the model directory) too where there is
///   one, and `"additionalProperties": false`. Without a schema the interface takes no options.
/// - `detects`: an encoder whose pattern matches a file of a model directory is chosen when the
///   bench file names none. `*` matches within one path component; a pattern with a `!` in front
///   rules a directory out (`["model.safetensors", "!onnx/*.onnx"]`).
///
/// A test binary can link the `rlib` of one plugin; two would define the exported symbol twice.
#[macro_export]
macro_rules! export_plugin {
    (
        id: $id:expr,
        interfaces: [$($kind:ident : $implementation:ty $({
            $(schema: $schema:expr,)?
            $(detects: [$($pattern:expr),* $(,)?],)?
        })?),+ $(,)?] $(,)?
    ) => {
        const _: () = {
            const SOURCE: $crate::__private::ManifestSource = $crate::__private::ManifestSource {
                id: $id,
                version: ::core::env!("CARGO_PKG_VERSION"),
                licence: ::core::env!("CARGO_PKG_LICENSE"),
                description: ::core::env!("CARGO_PKG_DESCRIPTION"),
                interfaces: &[$(
                    $crate::__private::$kind::source()
                        $($(.with_schema($schema))? $(.with_detects(&[$($pattern),*]))?)?
                ),+],
            };

            $crate::__export! {
                source: SOURCE,
                manifest: $crate::__private::json(&RECORD),
                interface: |id| match id {
                    $($crate::__private::$kind::ID => {
                        ::core::option::Option::Some($crate::__private::$kind::interface::<$implementation>())
                    })+
                    _ => ::core::option::Option::None,
                },
            }
        };
    };
}

/// The part of [`export_plugin!`] that plugins made to misbehave share with it.
#[doc(hidden)]
#[macro_export]
macro_rules! __export {
    (source: $source:expr, manifest: $manifest:expr, interface: |$id:ident| $interface:expr $(,)?) => {
        #[used]
        #[allow(unsafe_code)]
        // SAFETY: plain bytes in a section of their own; nothing but `clirbench` looks at it.
        #[cfg_attr(target_vendor = "apple", unsafe(link_section = "__DATA,__clirbench"))]
        #[cfg_attr(windows, unsafe(link_section = ".clirben"))]
        #[cfg_attr(not(any(target_vendor = "apple", windows)), unsafe(link_section = ".clirbench"))]
        static RECORD: [u8; $source.len()] = $source.record();

        enum Exported {}

        impl $crate::__private::export::Plugin for Exported {
            fn manifest() -> ::std::string::String {
                $manifest
            }

            fn interface($id: &str) -> ::core::option::Option<$crate::__private::abi::Interface> {
                $interface
            }
        }

        /// The header that the host looks for.
        #[allow(unsafe_code)]
        // SAFETY: the name that `abi_stable` looks for; a library holds one plugin.
        #[unsafe(export_name = "_1as_0lib_1header_0root_bmodule_bloader")]
        pub static LIBRARY: $crate::__private::export::LibHeader =
            $crate::__private::export::header::<Exported>();
    };
}
