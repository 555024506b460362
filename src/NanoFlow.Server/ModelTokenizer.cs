// The tokenizer of a model on disk: files beside its weights, or metadata of its GGUF file.

using NanoFlow.Models;
using NanoFlow.Tokenization;

namespace NanoFlow.Server;

public static class ModelTokenizer
{
    public static Tokenizer Load(ModelSource source)
    {
        ArgumentNullException.ThrowIfNull(source);
        return source is GgufModel gguf
            ? Tokenizer.FromGguf(gguf.File.Name, gguf.File.Values)
            : Tokenizer.Load(source.FullPath);
    }
}
