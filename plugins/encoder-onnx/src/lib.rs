//! encoder-onnx
