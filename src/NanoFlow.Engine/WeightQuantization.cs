using NanoFlow.Models;

namespace NanoFlow.Engine;

public enum WeightQuantization
{
    /// <summary>Weights are kept as the model is stored.</summary>
    Auto,

    /// <summary>The matrices of the layers and the LM head are kept as int8, whatever they are
    /// stored as.</summary>
    Int8,
}

/// <summary>The matrices that an engine keeps as int8.</summary>
public static class KeptInt8
{
    /// <exception cref="ArgumentException">The option cannot be had for this model or
    /// device.</exception>
    /// <exception cref="EngineException">The device cannot take the model as it is
    /// stored.</exception>
    public static Int8Parts Of(EngineModel model, EngineOptions options)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(options);
        var isAsked = options.Quantization == WeightQuantization.Int8;
        if (isAsked)
        {
            CheckModel(model);
        }

        var parts = isAsked
            ? Int8Parts.Layers | Int8Parts.Head
            : model.Source?.Config.StoredInt8 ?? Int8Parts.None;
        if (parts == Int8Parts.None || options.Device != DeviceKind.Cuda)
        {
            return parts;
        }

        throw isAsked
            ? Refused("which the CPU computes in and a GPU does not")
            : new EngineException(
                "The model is stored in int8, which the CPU computes in and a GPU does not; "
                + "take cpu as Device.");
    }

    private static void CheckModel(EngineModel model)
    {
        if (model.Source is not { } source)
        {
            throw Refused("and this model has no weights");
        }

        if (source.Config.Experts is not null)
        {
            throw Refused("which there is not for models with experts");
        }

        if (source.Tensors.Entries.FirstOrDefault(t => t.DType.IsBlockFormat()) is { } tensor)
        {
            throw Refused(
                $"but this model's weights are stored in {tensor.DType.StoredName()} blocks and "
                + "stay in them");
        }
    }

    private static ArgumentException Refused(string why) =>
        new($"{nameof(EngineOptions.Quantization)} is int8, {why}; allowed here is auto.");
}
