// What each keyword allows and refuses, one example a row.

namespace NanoFlow.Grammar.Tests;

public class SchemaTests
{
    [Theory]
    [InlineData("""{"type":"string"}""", "\"a\"", "1")]
    [InlineData("""{"type":"string","minLength":2,"maxLength":3}""", "\"日本\"", "\"日\"")]
    [InlineData("""{"type":"string","minLength":2,"maxLength":3}""", "\"abc\"", "\"abcd\"")]
    [InlineData("""{"type":"string","minLength":2}""", "\"\\u00e9\\n\"", "\"\\u00e9\"")]
    [InlineData("""{"type":"string"}""", "\"\\ud83d\\ude00\"", "\"\\ud83d\"")]
    [InlineData("""{"type":"string","pattern":"^a+$"}""", "\"aaa\"", "\"ab\"")]
    [InlineData("""{"type":"string","pattern":"b"}""", "\"abc\"", "\"ac\"")]
    [InlineData("""{"type":"string","pattern":"^[\"\\\\]$"}""", "\"\\\"\"", "\"\"")]
    [InlineData("""{"type":"string","pattern":"^(?:a|b){2,3}$"}""", "\"aba\"", "\"abab\"")]
    [InlineData("""{"type":"string","pattern":"^(a?){3}$"}""", "\"aa\"", "\"aaaa\"")]
    [InlineData("""{"type":"string","pattern":"^a$|^b"}""", "\"bx\"", "\"ax\"")]
    [InlineData("""{"type":"string","format":"ipv4"}""", "\"10.0.255.1\"", "\"256.0.0.1\"")]
    [InlineData("""{"type":"string","format":"date"}""", "\"2024-02-28\"", "\"2024-02-30\"")]
    [InlineData("""{"type":"integer"}""", "-12", "1.5")]
    [InlineData("""{"type":"integer","minimum":7,"maximum":123}""", "123", "124")]
    [InlineData("""{"type":"integer","minimum":7,"maximum":123}""", "7", "6")]
    [InlineData("""{"type":"integer","exclusiveMinimum":-5,"maximum":5}""", "-4", "-5")]
    [InlineData("""{"type":"number"}""", "-0.5e-3", "01")]
    [InlineData("""{"type":"number","minimum":0,"maximum":1}""", "0.25", "1.5")]
    [InlineData("""{"type":"number","minimum":0,"maximum":1}""", "1.0", "-0.5")]
    [InlineData("""{"type":"number","exclusiveMinimum":0}""", "0.1", "0.0")]
    [InlineData("""{"type":"number","maximum":-3}""", "-3.5", "-2.5")]
    [InlineData("""{"type":["string","null"]}""", "null", "true")]
    [InlineData("""{"enum":["red","rose",3]}""", "\"rose\"", "\"r\"")]
    [InlineData("""{"enum":["red",3],"type":"integer"}""", "3", "\"red\"")]
    [InlineData("""{"const":{"a":[1]}}""", "{\"a\":[1]}", "{\"a\":[2]}")]
    [InlineData("""{"items":{"type":"null"}}""", "[null, null]", "[1]")]
    [InlineData("""{"items":{"type":"null"},"minItems":2,"maxItems":2}""", "[null,null]", "[null]")]
    [InlineData("""{"prefixItems":[{"type":"null"},true],"items":false}""", "[null,7]", "[7]")]
    [InlineData("""{"prefixItems":[{"const":1}],"minItems":2}""", "[1,{}]", "[1]")]
    [InlineData("""{"anyOf":[{"const":1},{"type":"string"}]}""", "\"\"", "2")]
    [InlineData("""{"$ref":"#/$defs/a~1b","$defs":{"a/b":{"const":1}}}""", "1", "2")]
    [InlineData("""{"allOf":[{"minimum":3},{"type":"integer","maximum":4}]}""", "4", "5")]
    public void Schema_Example_AllowsOneAndRefusesTheOther(string schema, string good, string bad)
    {
        Assert.True(GrammarText.Accepts(schema, good), good);
        Assert.False(GrammarText.Accepts(schema, bad), bad);
    }

    private const string Person = """
        {"type":"object","properties":{"a":{"const":1},"b":{"const":2},"c":{"const":3}},
        "required":["b"],"additionalProperties":false}
        """;

    [Theory]
    [InlineData("""{"b":2}""", true)]
    [InlineData("""{"a":1,"b":2,"c":3}""", true)]
    [InlineData("""{"b": 2, "c": 3}""", true)]
    [InlineData("{\n  \"b\": 2,\n  \"c\": 3\n}", true)]
    [InlineData("""{"a":1}""", false)]
    [InlineData("""{"b":2,"a":1}""", false)]
    [InlineData("""{"b":2,"d":4}""", false)]
    [InlineData("""{"b":2,}""", false)]
    [InlineData("""{"b":2}  """, false)]
    public void Object_Members_StandInOrder(string text, bool isAllowed) =>
        Assert.Equal(isAllowed, GrammarText.Accepts(Person, text));

    [Theory]
    [InlineData("""{"ab":1,"abc":"x","ac":"y","":"z"}""", true)]
    [InlineData("""{"ab":1,"a":"x"}""", true)]
    [InlineData("""{"ab":1,"ab":"x"}""", false)]
    [InlineData("""{"ab":1,"\u0061b":"x"}""", false)]
    [InlineData("""{"ab":1,"x":2}""", false)]
    public void AdditionalProperties_NeverSpellAListedName(string text, bool isAllowed) =>
        Assert.Equal(isAllowed, GrammarText.Accepts(
            """
            {"type":"object","properties":{"ab":{"type":"integer"}},
            "additionalProperties":{"type":"string"}}
            """,
            text));

    [Fact]
    public void Recursion_Tree_NestsToTheLimitAndCloses()
    {
        const string Tree = """
            {"type":"object","properties":{"c":{"type":"array","items":{"$ref":"#"}}},
            "required":["c"],"additionalProperties":false}
            """;
        var deep = string.Concat(Enumerable.Repeat("{\"c\":[", 20));
        var close = string.Concat(Enumerable.Repeat("]}", 20));

        Assert.True(GrammarText.Accepts(Tree, deep + close));
        Assert.False(GrammarText.Accepts(
            Tree, string.Concat(Enumerable.Repeat("{\"c\":[", 100))));
    }

    [Theory]
    [InlineData("""{"type":"strin"}""", "#/type")]
    [InlineData("""{"properties":{"a":{"type":7}}}""", "#/properties/a/type")]
    [InlineData("""{"$ref":"#"}""", "no finite answer")]
    [InlineData("""{"anyOf":[{"$ref":"#"},{"type":"null"}]}""", "leads back to itself")]
    [InlineData("""{"allOf":[{"$ref":"#"},{"type":"null"}]}""", "refers to itself")]
    [InlineData("""{"$ref":"#/$defs/x"}""", "leads nowhere")]
    [InlineData("""{"$ref":"https://example.com/s"}""", "does not lead")]
    [InlineData("""{"not":{}}""", "#/not")]
    [InlineData("""{"type":"object","required":["a"],"additionalProperties":false}""", "no finite")]
    [InlineData("""{"type":"string","minLength":3,"maxLength":2}""", "no finite")]
    [InlineData("""{"type":"string","maxLength":-1}""", "#/maxLength")]
    [InlineData("""{"type":"array","minItems":99999999999}""", "#/minItems")]
    [InlineData("""{"type":"string","pattern":"(?=a)"}""", "look around")]
    [InlineData("""{"type":"string","pattern":"a{2,1}"}""", "reversed")]
    [InlineData("""{"type":"string","pattern":"(a"}""", "')' expected")]
    [InlineData("""{"type":"string","pattern":"a**"}""", "repeat of a repeat")]
    [InlineData("""{"type":"string","pattern":"a^b"}""", "at its ends only")]
    [InlineData("""{"type":"number","minimum":0.5}""", "whole numbers")]
    [InlineData("""{"const":"\ud800"}""", "cannot be read")]
    [InlineData("[]", "an object or a boolean")]
    [InlineData("{", "cannot be read")]
    public void Schema_ThatCannotBeFollowed_IsRefusedWithItsPlace(string schema, string message)
    {
        var error = Assert.Throws<GrammarException>(
            () => GrammarText.Accepts(schema, "", isStrict: false));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"type":"integer","multipleOf":3}""", "4")]
    [InlineData("""{"type":"string","format":"iri"}""", "\"x\"")]
    [InlineData("""{"type":"integer","x-mine":1}""", "4")]
    public void Narrowing_Keyword_IsIgnoredAndRefusedWithStrict(string schema, string text)
    {
        Assert.True(GrammarText.Accepts(schema, text, isStrict: false));
        Assert.Throws<GrammarException>(() => GrammarText.Accepts(schema, text, isStrict: true));
    }
}
