// How the time of a step follows its size: a line in rows and attended tokens, fitted to the steps
// of one bucket. Steps of a bucket differ by a few times in size at most, where a line is close;
// what it is for is to compare two steps that are not equally large.
//
// Means and covariances over the last steps, with weights that decay, and the slopes from them. A
// size that has not varied has no slope. No allocation.

using NanoFlow.Planning;
using NanoFlow.Scheduling;

namespace NanoFlow.Engine;

internal sealed class StepTimeFit
{
    // Weight of the latest step once there were as many: slow enough to average noise away, fast
    // enough to follow a machine that others use.
    private const int Memory = 128;

    // Variance that counts as none, in units of the bucket's size squared: where the size varies
    // by less than 1 % of it, what the time does is noise.
    private const double LeastVariance = 1e-4;

    // A step this much slower or faster than expected is taken for as much and no more, once so
    // many were seen.
    private const double Clip = 4;
    private const int Trusted = 8;

    // No step is expected to take less than this part of the mean.
    private const double LeastShare = 1.0 / 16;

    private readonly double _rowScale;
    private readonly double _tokenScale;
    private int _count;
    private double _meanRows;
    private double _meanTokens;
    private double _meanTime;
    private double _rowsRows;
    private double _rowsTokens;
    private double _tokensTokens;
    private double _rowsTime;
    private double _tokensTime;
    private double _rowSlope;
    private double _tokenSlope;

    /// <param name="mix">Of the bucket: about the size of its steps.</param>
    public StepTimeFit(StepMix mix)
    {
        _rowScale = 1.0 / Math.Max(1, mix.Rows);
        _tokenScale = 1.0 / Math.Max(1.0, (double)mix.Rows * mix.Context);
    }

    /// <summary>Microseconds that a step of the size should take; 0 before the first.</summary>
    public double Expect(in StepInfo step)
    {
        var rows = step.RowCount * _rowScale - _meanRows;
        var tokens = step.AttendedTokens * _tokenScale - _meanTokens;
        return Math.Max(
            _meanTime * LeastShare, _meanTime + _rowSlope * rows + _tokenSlope * tokens);
    }

    public void Add(in StepInfo step, double microseconds)
    {
        if (_count >= Trusted)
        {
            var expected = Expect(step);
            microseconds = Math.Clamp(microseconds, expected / Clip, expected * Clip);
        }
        _count++;
        var weight = 1.0 / Math.Min(_count, Memory);
        var rows = step.RowCount * _rowScale - _meanRows;
        var tokens = step.AttendedTokens * _tokenScale - _meanTokens;
        var time = microseconds - _meanTime;
        _meanRows += weight * rows;
        _meanTokens += weight * tokens;
        _meanTime += weight * time;
        Blend(ref _rowsRows, rows * rows, weight);
        Blend(ref _rowsTokens, rows * tokens, weight);
        Blend(ref _tokensTokens, tokens * tokens, weight);
        Blend(ref _rowsTime, rows * time, weight);
        Blend(ref _tokensTime, tokens * time, weight);
        Solve();
    }

    // The update of a weighted covariance by one deviation from the mean before it.
    private static void Blend(ref double covariance, double product, double weight) =>
        covariance = (1 - weight) * (covariance + weight * product);

    // Two equations in two slopes.
    private void Solve()
    {
        var a = _rowsRows + LeastVariance;
        var d = _tokensTokens + LeastVariance;
        var determinant = a * d - _rowsTokens * _rowsTokens;
        _rowSlope = (_rowsTime * d - _tokensTime * _rowsTokens) / determinant;
        _tokenSlope = (_tokensTime * a - _rowsTime * _rowsTokens) / determinant;
    }
}
