// How an embedding model was trained to be read: sentence-transformers keeps it beside the model, a
// list of modules in modules.json and the configuration of the pooling in a folder of its own.

using System.Text.Json;

namespace NanoFlow.Models;

/// <summary>Which hidden state of a text stands for all of it.</summary>
public enum PoolingMode
{
    /// <summary>As the model's folder says; the last token where it says nothing.</summary>
    Auto,

    /// <summary>Of the first token, which some models keep for it ("CLS").</summary>
    First,

    Last,

    /// <summary>The mean of all tokens.</summary>
    Mean,
}

public static class SentencePooling
{
    private const string ModulesFile = "modules.json";

    // The model, its pooling, a norm; published ones have up to five.
    private const int MaxModules = 16;

    private static readonly (string Field, PoolingMode Mode)[] Modes =
    [
        ("pooling_mode_cls_token", PoolingMode.First),
        ("pooling_mode_mean_tokens", PoolingMode.Mean),
        ("pooling_mode_lasttoken", PoolingMode.Last),
    ];

    /// <summary>What a mode means for a model; never Auto.</summary>
    /// <exception cref="ModelFormatException">The model's folder says something else than the
    /// three modes.</exception>
    public static PoolingMode Resolve(PoolingMode mode, ModelSource source) =>
        mode == PoolingMode.Auto ? Read(source) ?? PoolingMode.Last : mode;

    // Null when the model does not say.
    internal static PoolingMode? Read(ModelSource source)
    {
        var folder = source.FullPath;
        if (!Directory.Exists(folder) || !BoundedFile.Exists(folder, ModulesFile))
        {
            return null;
        }

        var modules = BoundedFile.ReadAll(folder, ModulesFile, ModelLimits.ConfigBytes);
        if (PoolingFolder(modules) is not { } name)
        {
            return null;
        }

        var file = name + "/config.json";
        return Parse(file, BoundedFile.ReadAll(folder, file, ModelLimits.ConfigBytes));
    }

    /// <summary>Reads the configuration of a pooling.</summary>
    public static PoolingMode Parse(string file, byte[] utf8)
    {
        var json = JsonSection.Parse(file, utf8);
        var chosen = json.Fields
            .Where(field => field.Name.StartsWith("pooling_mode_", StringComparison.Ordinal)
                && field.Value.ValueKind == JsonValueKind.True)
            .Select(field => field.Name)
            .ToArray();
        var mode = Array.FindIndex(Modes, known => chosen is [var one] && one == known.Field);
        return mode >= 0
            ? Modes[mode].Mode
            : throw new ModelFormatException(
                file,
                "must choose one of "
                + string.Join(", ", Modes.Select(known => known.Field))
                + "; --pooling decides otherwise");
    }

    /// <summary>The folder of the pooling module; null when there is none.</summary>
    public static string? PoolingFolder(byte[] utf8)
    {
        try
        {
            using var document = JsonDocument.Parse(utf8);
            foreach (var module in document.RootElement.EnumerateArray().Take(MaxModules))
            {
                if (module.GetProperty("type").GetString()!.EndsWith(
                    ".Pooling", StringComparison.Ordinal))
                {
                    return FolderName(module.GetProperty("path").GetString()!);
                }
            }

            return null;
        }
        catch (Exception e) when (
            e is JsonException or KeyNotFoundException or InvalidOperationException
            or NullReferenceException)
        {
            throw new ModelFormatException(
                ModulesFile, "is no list of modules, each with a type and a path", e);
        }
    }

    // It comes from a stranger: a name within the model's folder, and no way out of it.
    private static string FolderName(string name) =>
        name.Length is > 0 and <= 64
        && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-')
            ? name
            : throw new ModelFormatException(
                ModulesFile, "the path of the pooling is no plain name of a folder");
}
