// Writes config.json and generation_config.json in the form the Python libraries read.

using System.Globalization;
using System.Text.Json;

namespace NanoFlow.Models;

internal static class ConfigWriter
{
    private static readonly JsonWriterOptions Indented = new() { Indented = true };

    internal static void WriteConfig(string folder, ModelConfig config)
    {
        using var stream = File.Create(Path.Combine(folder, ModelConfig.FileName));
        using var json = new Utf8JsonWriter(stream, Indented);
        json.WriteStartObject();
        json.WriteStartArray("architectures");
        json.WriteStringValue(config.Architecture);
        json.WriteEndArray();
        json.WriteString("model_type", LlamaArchitecture.ModelType);
        json.WriteNumber("hidden_size", config.HiddenSize);
        json.WriteNumber("intermediate_size", config.IntermediateSize);
        json.WriteNumber("num_hidden_layers", config.LayerCount);
        json.WriteNumber("num_attention_heads", config.HeadCount);
        json.WriteNumber("num_key_value_heads", config.KvHeadCount);
        json.WriteNumber("head_dim", config.HeadDim);
        json.WriteNumber("vocab_size", config.VocabSize);
        json.WriteNumber("max_position_embeddings", config.MaxPositions);
        WriteReal(json, "rms_norm_eps", config.RmsNormEps);
        WriteRope(json, config.Rope);
        json.WriteBoolean("tie_word_embeddings", config.TiedEmbeddings);
        json.WriteBoolean("attention_bias", config.AttentionBias);
        json.WriteBoolean("mlp_bias", config.MlpBias);
        json.WriteString("hidden_act", "silu");
        json.WriteString("torch_dtype", "bfloat16");
        WriteTokenIds(json, config);
        json.WriteEndObject();
    }

    internal static void WriteGeneration(string folder, ModelConfig config)
    {
        using var stream = File.Create(Path.Combine(folder, GenerationDefaults.FileName));
        using var json = new Utf8JsonWriter(stream, Indented);
        json.WriteStartObject();
        WriteTokenIds(json, config);
        json.WriteEndObject();
    }

    private static void WriteTokenIds(Utf8JsonWriter json, ModelConfig config)
    {
        if (config.BosTokenId is { } bos)
        {
            json.WriteNumber("bos_token_id", bos);
        }

        json.WriteStartArray("eos_token_id");
        foreach (var id in config.EosTokenIds)
        {
            json.WriteNumberValue(id);
        }

        json.WriteEndArray();
    }

    private static void WriteRope(Utf8JsonWriter json, RopeConfig rope)
    {
        WriteReal(json, "rope_theta", rope.Theta);
        if (rope.Scaling == RopeScalingKind.None)
        {
            json.WriteNull("rope_scaling");
            return;
        }

        json.WriteStartObject("rope_scaling");
        var llama3 = rope.Scaling == RopeScalingKind.Llama3;
        json.WriteString("rope_type", llama3 ? "llama3" : "linear");
        WriteReal(json, "factor", rope.Factor);
        if (llama3)
        {
            WriteReal(json, "low_freq_factor", rope.LowFreqFactor);
            WriteReal(json, "high_freq_factor", rope.HighFreqFactor);
            json.WriteNumber("original_max_position_embeddings", rope.OriginalMaxPositions);
        }

        json.WriteEndObject();
    }

    // Python tells 8 from 8.0 and warns of an integer where it wants a real.
    private static void WriteReal(Utf8JsonWriter json, string name, double value)
    {
        var text = value.ToString("R", CultureInfo.InvariantCulture);
        json.WritePropertyName(name);
        json.WriteRawValue(text.AsSpan().IndexOfAny(".E") < 0 ? text + ".0" : text);
    }
}
