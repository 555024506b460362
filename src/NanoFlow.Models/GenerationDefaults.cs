// Sampling defaults a model's author ships in generation_config.json. The file may be absent.
//
// A null means that the author said nothing; what then holds is the server's decision.

namespace NanoFlow.Models;

public sealed record GenerationDefaults
{
    internal const string FileName = "generation_config.json";

    /// <summary>Any of these ends a sequence; includes those of config.json.</summary>
    public IReadOnlyList<int> EosTokenIds { get; init; } = [];

    public bool? DoSample { get; init; }

    public double? Temperature { get; init; }

    public double? TopP { get; init; }

    /// <summary>0 is "off".</summary>
    public int? TopK { get; init; }

    public double? RepetitionPenalty { get; init; }

    public int? MaxNewTokens { get; init; }

    /// <summary>The author asks for the most likely token when a request says nothing.</summary>
    public bool Greedy => DoSample == false;

    internal static GenerationDefaults Read(string folder, ModelConfig config) =>
        BoundedFile.Exists(folder, FileName)
            ? Parse(BoundedFile.ReadAll(folder, FileName, ModelLimits.ConfigBytes), config)
            : new GenerationDefaults { EosTokenIds = config.EosTokenIds };

    /// <summary>Reads the text of a generation_config.json.</summary>
    public static GenerationDefaults Parse(byte[] utf8, ModelConfig config)
    {
        var json = JsonSection.Parse(FileName, utf8);
        var tokenIds = new IntRange(0, config.VocabSize - 1);
        var eos = json.IntOrList("eos_token_id", tokenIds, ModelLimits.EosTokens);
        var topK = json.OptionalInt("top_k", ModelLimits.TopK);
        return new GenerationDefaults
        {
            EosTokenIds = eos.Union(config.EosTokenIds).ToArray(),
            DoSample = json.OptionalBool("do_sample"),
            Temperature = json.OptionalReal("temperature", ModelLimits.Temperature),
            TopP = json.OptionalReal("top_p", ModelLimits.TopP),
            TopK = topK is null ? null : Math.Max(0, topK.Value),
            RepetitionPenalty = json.OptionalReal(
                "repetition_penalty", ModelLimits.RepetitionPenalty),
            MaxNewTokens = json.OptionalInt("max_new_tokens", ModelLimits.Positions),
        };
    }
}
