// The scanner that the rules about code rely on.

namespace NanoFlow.Tidy.Tests;

public sealed class CodeTextTests
{
    [Theory]
    [InlineData("a // b \" c\nd", "a         \nd")]
    [InlineData("a /* b\n' */ d", "a     \n     d")]
    [InlineData("f(\"a\\\"b\", 'c', '\\'')", "f(\"    \", ' ', '  ')")]
    [InlineData("@\"a\\\" + b", "@\"  \" + b")]
    [InlineData("@\"a\"\"b\" + c", "@\"    \" + c")]
    [InlineData("$\"a{b[\"c\"]}d{{e\" + f", "$\"  b[\" \"]     \" + f")]
    [InlineData("1'000'000 + 'a' + x", "1'000'000 + ' ' + x")]
    [InlineData("R\"(a\"b)\" + c", "R        + c")]
    [InlineData("R\"x(a)\"b)x\" + c", "R           + c")]
    [InlineData("\"\"\"a\"b\"\"\" + c", "          + c")]
    public void CodeOnly_Sample_BlanksCommentsAndLiterals(string text, string expected) =>
        Assert.Equal(expected, CodeText.CodeOnly(text));

    [Fact]
    public void WithComments_Sample_KeepsComments() =>
        Assert.Equal("a(\" \"); // \"c\"", CodeText.WithComments("a(\"b\"); // \"c\""));

    [Theory]
    [InlineData("\"never closed")]
    [InlineData("/* never closed")]
    [InlineData("$\"{never closed")]
    [InlineData("\"\"\"never closed")]
    public void CodeOnly_Unclosed_EndsAtTheEnd(string text) =>
        Assert.Equal(text.Length, CodeText.CodeOnly(text).Length);
}
