using NanoFlow.Benchmarks;
using NanoFlow.Cli;

namespace NanoFlow.Tests;

public sealed class LengthTraceTests
{
    private const string Head = "TIMESTAMP,ContextTokens,GeneratedTokens\n";

    [Fact]
    public void Read_AzureTrace_HasLengthsAndArrivals()
    {
        var rows = Read(
            Head.Replace("\n", "\r\n")
            + "2023-11-16 18:15:46.6805900,374,44\r\n2023-11-16 18:15:50.9951690,396,109\r\n",
            withArrivals: true);

        Assert.Equal([new Lengths(374, 44), new(396, 109)], rows.Select(row => row.Lengths));
        Assert.Equal(
            [TimeSpan.Zero, TimeSpan.FromTicks(43145790)], rows.Select(row => row.Arrival));
    }

    [Fact]
    public void Read_OtherOrderOfColumnsEmptyLinesAndZone_IsUnderstood()
    {
        var rows = Read(
            "\uFEFFGeneratedTokens, x ,TIMESTAMP,ContextTokens\n"
            + "1,?,2024-05-10 00:00:00.5+00:00,2\n\n3,?,2024-05-10 00:00:01+00:00,4",
            withArrivals: true);

        Assert.Equal(
            [new TraceRow(new(2, 1), TimeSpan.Zero), new(new(4, 3), TimeSpan.FromSeconds(0.5))],
            rows);
    }

    [Fact]
    public void Read_ArrivalsNotWanted_TimestampsMayBeAnything() =>
        Assert.Equal(2, Read(Head + "XXX,1,2\n,3,4\n").Count);

    [Fact]
    public void Read_MoreRowsThanWanted_StopsBeforeTheBadOne() =>
        Assert.Single(Read(Head + "0,1,2\nbad\n", most: 1));

    [Theory]
    [InlineData("", "t.csv(1): there is no column ContextTokens")]
    [InlineData("ContextTokens\n1\n", "t.csv(1): there is no column GeneratedTokens")]
    [InlineData(Head, "t.csv: there is no row")]
    [InlineData(Head + "0,1,2\n0,1\n", "t.csv(3): there is no GeneratedTokens")]
    [InlineData(Head + "0,1,2\n\n0,0,2\n", "t.csv(4): ContextTokens '0' is not 1 to 16777216")]
    [InlineData(Head + "0,1,x\n", "t.csv(2): GeneratedTokens 'x' is not 1 to 16777216")]
    [InlineData(Head + "0,1,-1\n", "t.csv(2): GeneratedTokens '-1'")]
    [InlineData(Head + "0,99999999999,1\n", "t.csv(2): ContextTokens '99999999999'")]
    public void Read_BadFile_SaysWhichLine(string text, string says) =>
        Assert.StartsWith(says, Assert.Throws<CommandException>(() => Read(text)).Message);

    [Theory]
    [InlineData("XXX,1,2\n", "t.csv(2): TIMESTAMP 'XXX' is no date and time")]
    [InlineData("2024-05-10 10:00,1,2\n2024-05-10 09:59,1,2\n", "t.csv(3): TIMESTAMP '2024-05-10 "
        + "09:59' is before that of the line above")]
    public void Read_BadTimestamp_SaysWhichLine(string rows, string says) =>
        Assert.Equal(says, Assert.Throws<CommandException>(
            () => Read(Head + rows, withArrivals: true)).Message);

    [Fact]
    public void Read_LineWithoutEnd_IsRefusedBeforeItIsAllRead()
    {
        var text = new StringReader(Head + new string('1', 1_000_000));

        var refused = Assert.Throws<CommandException>(
            () => LengthTrace.Read("t.csv", text, withArrivals: false, int.MaxValue));

        Assert.Equal("t.csv(2): longer than 1024 characters", refused.Message);
        Assert.Equal('1', text.Peek());
    }

    private static IReadOnlyList<TraceRow> Read(
        string text, bool withArrivals = false, int most = int.MaxValue) =>
        LengthTrace.Read("t.csv", new StringReader(text), withArrivals, most);
}
