//! The modules of a model directory as the network's head.

use clirbench_candle as network;
use clirbench_model::{Activation, ModelDirectory, Pooling, PoolingMode, Step, join};
use clirbench_plugin::{Error, LossInput, Result};

/// The head that a fit trains: the directory's modules for embeddings, a classifier for scores.
///
/// `prompts` are the tokens of the two prompts, which a model may leave out of pooling.
///
/// # Errors
/// `model` for what the network has no trainable form of.
pub(crate) fn head(
    directory: &ModelDirectory,
    input: LossInput,
    prompts: [usize; 2],
) -> Result<network::Head> {
    if input == LossInput::Scores {
        return Ok(network::Head::CrossEncoder);
    }
    let mean = Pooling { modes: vec![PoolingMode::Mean], include_prompt: true };
    let pooling = directory.pooling.as_ref().unwrap_or(&mean);
    let skip = match (pooling.include_prompt, prompts) {
        (true, _) => 0,
        (false, [query, document]) if query == document => query,
        (false, [query, document]) => {
            return Err(Error::model(format!(
                "the model leaves its prompts out of pooling, and they have {query} and {document} tokens"
            ))
            .hint("only prompts of one length can be left out in training"));
        }
    };
    let modes = pooling.modes.iter().map(|mode| mode_of(*mode)).collect();
    let steps = directory.steps.iter().map(|step| step_of(step, directory)).collect::<Result<_>>()?;
    Ok(network::Head::Embedding { pooling: network::Pooling { modes, skip }, steps })
}

fn mode_of(mode: PoolingMode) -> network::PoolingMode {
    match mode {
        PoolingMode::Cls => network::PoolingMode::Cls,
        PoolingMode::Max => network::PoolingMode::Max,
        PoolingMode::Mean => network::PoolingMode::Mean,
        PoolingMode::MeanSqrtLen => network::PoolingMode::MeanSqrtLen,
        PoolingMode::WeightedMean => network::PoolingMode::WeightedMean,
        PoolingMode::LastToken => network::PoolingMode::LastToken,
    }
}

fn step_of(step: &Step, directory: &ModelDirectory) -> Result<network::Step> {
    let Step::Dense(dense) = step else { return Ok(network::Step::Normalize) };
    let activation = match dense.activation() {
        Activation::Identity => network::Activation::Identity,
        Activation::Tanh => network::Activation::Tanh,
        Activation::Relu => network::Activation::Relu,
        other @ (Activation::Sigmoid | Activation::Silu) => {
            return Err(Error::model(format!(
                "the Dense module {} has the activation {other:?}, which cannot be trained",
                dense.folder()
            ))
            .hint("Identity, Tanh and ReLU can be"));
        }
    };
    let weights = directory.files.path(&join(dense.folder(), "model.safetensors"));
    Ok(network::Step::Dense { name: dense.folder().to_owned(), weights, activation })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory(include_prompt: bool) -> (tempfile::TempDir, ModelDirectory) {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let pooling = format!(r#"{{"pooling_mode_cls_token": true, "include_prompt": {include_prompt}}}"#);
        let modules = r#"[
            {"path": "", "type": "sentence_transformers.models.Transformer"},
            {"path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
            {"path": "2_Normalize", "type": "sentence_transformers.models.Normalize"}]"#;
        std::fs::create_dir(dir.path().join("1_Pooling")).expect("created");
        for (name, text) in
            [("modules.json", modules), ("config.json", "{}"), ("1_Pooling/config.json", &pooling)]
        {
            std::fs::write(dir.path().join(name), text).expect("written");
        }
        let directory = ModelDirectory::read(dir.path()).expect("a model directory");
        (dir, directory)
    }

    #[test]
    fn modules_become_the_head() {
        let (_dir, directory) = directory(true);
        let expected = network::Head::Embedding {
            pooling: network::Pooling { modes: vec![network::PoolingMode::Cls], skip: 0 },
            steps: vec![network::Step::Normalize],
        };
        assert_eq!(head(&directory, LossInput::Embeddings, [3, 4]), Ok(expected));
        assert_eq!(head(&directory, LossInput::Scores, [3, 4]), Ok(network::Head::CrossEncoder));
    }

    #[test]
    fn prompts_outside_pooling_need_one_length() {
        let (_dir, directory) = directory(false);
        let head = |prompts| head(&directory, LossInput::Embeddings, prompts);
        assert!(matches!(
            head([4, 4]),
            Ok(network::Head::Embedding { pooling: network::Pooling { skip: 4, .. }, .. })
        ));
        assert!(head([3, 4]).expect_err("two lengths").message.contains("3 and 4 tokens"));
    }
}
