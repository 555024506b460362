// How much memory a model takes, from its configuration alone.

namespace NanoFlow.Models;

public static class ModelSize
{
    /// <summary>A tied embedding counts once.</summary>
    public static long Parameters(ModelConfig config) => Architectures.ExpectedTensors(config)
        .Where(tensor => !tensor.Optional).Sum(tensor => Elements(tensor.Shape));

    public static long WeightBytes(ModelConfig config, int elementBytes) =>
        checked(Parameters(config) * elementBytes);

    /// <summary>One row of keys and one of values for each layer.</summary>
    public static long KvBytesPerToken(ModelConfig config, int elementBytes) =>
        checked(2L * config.LayerCount * config.KvHeadCount * config.HeadDim * elementBytes);

    internal static long Elements(int[] shape)
    {
        var product = 1L;
        foreach (var dim in shape)
        {
            product = checked(product * dim);
        }

        return product;
    }
}
