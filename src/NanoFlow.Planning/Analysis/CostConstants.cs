// What turns the rooflines of an op into its time on a GPU: how much longer each kind of op takes
// than its roofline, how much of its speed it keeps on a share of the device, and two constants
// that are fitted on one column of the published ablation.

namespace NanoFlow.Planning.Analysis;

/// <param name="LaunchMicroseconds">Part of a launch's time that does not shrink with its rows;
/// what splitting costs.</param>
/// <param name="DecodeRowMicroseconds">Of a decode row and layer, beyond attention: page tables,
/// sampling and the host, which the table of operations leaves out.</param>
public sealed record CostConstants(double LaunchMicroseconds, double DecodeRowMicroseconds)
{
    private const int MaxPoints = 64;

    private static readonly DataSection Root =
        DataSection.Parse(AnalysisData.Resource("costs.json"), "costs.json");

    public static CostConstants Fitted { get; } = ReadFitted(Root.Section("fitted"));

    /// <summary>By resource: points of share and speed, ascending from (0, 0) to (1, 1).</summary>
    private static readonly (double Share, double Speed)[][] Curves = ReadCurves();

    /// <summary>Share of its speed alone that an op keeps on a share of the device.</summary>
    public static double Speed(ResourceKind resource, double share)
    {
        var curve = Curves[(int)resource];
        var i = 1;
        while (i + 1 < curve.Length && curve[i].Share < share)
        {
            i++;
        }
        var (from, to) = (curve[i - 1], curve[i]);
        return from.Speed
            + (to.Speed - from.Speed) * (share - from.Share) / (to.Share - from.Share);
    }

    private static CostConstants ReadFitted(DataSection section) => new(
        section.Number("launch_microseconds", 0, 1000),
        section.Number("decode_row_microseconds", 0, 1000));

    private static (double, double)[][] ReadCurves()
    {
        var section = Root.Section("curves");
        return [Read("compute"), Read("memory"), Read("network")];

        (double, double)[] Read(string field) => [.. section.Pairs(field, 2, MaxPoints, 0, 1)];
    }
}
