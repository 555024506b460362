// The bindings generator on a small description as castxml writes it.

using System.Xml.Linq;
using NanoFlow.Bindings.Generator;

namespace NanoFlow.Tidy.Tests;

public sealed class GeneratorTests
{
    // enum nf_color_kind { NF_COLOR_RED = 1 }; typedef struct nf_paint nf_paint;
    // typedef struct nf_spot { nf_color_kind kind; uint8_t name[3]; const nf_spot* next; } nf_spot;
    // nf_color_kind nf_spot_draw(nf_paint* paint, const nf_spot* out);
    private const string Sample = """
        <CastXML>
          <File id="f1" name="/somewhere/small.h"/>
          <FundamentalType id="_13" name="unsigned int" size="32"/>
          <FundamentalType id="_12" name="unsigned char" size="8"/>
          <Typedef id="_14" name="uint8_t" type="_12"/>
          <Enumeration id="_1" name="nf_color_kind" file="f1" line="1" type="_13">
            <EnumValue name="NF_COLOR_RED" init="1"/>
          </Enumeration>
          <Struct id="_2" name="nf_paint" file="f1" line="2" incomplete="1"/>
          <Struct id="_3" name="nf_spot" file="f1" line="3" size="128" members="_4 _5 _6"/>
          <Field id="_4" name="kind" file="f1" line="3" type="_1" offset="0"/>
          <Field id="_5" name="first_name" file="f1" line="3" type="_7" offset="32"/>
          <Field id="_6" name="next" file="f1" line="3" type="_9" offset="64"/>
          <ArrayType id="_7" min="0" max="2" type="_14"/>
          <PointerType id="_9" type="_3c"/>
          <CvQualifiedType id="_3c" type="_3" const="1"/>
          <PointerType id="_10" type="_2"/>
          <Function id="_11" name="nf_spot_draw" file="f1" line="9" returns="_1">
            <Argument name="paint" type="_10"/>
            <Argument name="out" type="_9"/>
          </Function>
        </CastXML>
        """;

    private static readonly HeaderOrigin Origin = new("small.h", "0");

    [Theory]
    [InlineData("public enum NfColorKind : uint\n{\n    Red = 1,\n}\n")]
    [InlineData("public readonly struct NfPaint;\n")]
    [InlineData("[StructLayout(LayoutKind.Explicit, Size = 16)]\npublic unsafe struct NfSpot\n")]
    [InlineData("    [FieldOffset(4)] public ByteArray3 FirstName;\n")]
    [InlineData("    [FieldOffset(8)] public NfSpot* Next;\n")]
    [InlineData("[InlineArray(3)]\npublic struct ByteArray3\n{\n    private byte _first;\n}\n")]
    [InlineData("partial NfColorKind SpotDraw(NfPaint* paint, NfSpot* @out);\n")]
    public void CSharp_SmallHeader_HasEachDeclaration(string expected) =>
        Assert.Contains(expected, CSharpBindings.Text(Read(Sample), Origin));

    [Theory]
    [InlineData("static_assert(sizeof(nf_spot) == 16);\n")]
    [InlineData("static_assert(sizeof(nf_color_kind) == 4);\n")]
    [InlineData("static_assert(offsetof(nf_spot, first_name) == 4);\n")]
    public void Layout_SmallHeader_HasEachAssertion(string expected) =>
        Assert.Contains(expected, LayoutChecks.Text(Read(Sample), Origin));

    [Theory]
    [InlineData("uint8_t", "own_byte", "portable size")]
    [InlineData("offset=\"64\"", "offset=\"64\" bits=\"3\"", "bit fields")]
    [InlineData("<Struct id=\"_2\"", "<Union id=\"_2\"", "no counterpart")]
    [InlineData("nf_spot_draw", "spot_draw", "start with nf_")]
    [InlineData("name=\"paint\" type", "type", "needs a name")]
    [InlineData("NF_COLOR_RED", "NF_COLOR_3D", "cannot be a C# name")]
    public void Read_WhatCannotBeBound_SaysWhy(string part, string replacement, string reason)
    {
        var sample = Sample.Replace(part, replacement, StringComparison.Ordinal);
        var error = Assert.Throws<BindingException>(
            () => CSharpBindings.Text(Read(sample), Origin));
        Assert.Contains(reason, error.Message);
    }

    private static Declarations Read(string xml) => CastXml.Read(XDocument.Parse(xml), "small.h");
}
