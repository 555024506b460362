// The generated structs against the runtime's own idea of them. That the offsets are those of the C
// compiler is checked by the native build (tests/native/layout.g.cpp).

using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using NanoFlow.Native;

namespace NanoFlow.Native.Tests;

public sealed class StructLayoutTests
{
    public static TheoryData<Type> Structs =>
        [.. typeof(NativeMethods).Assembly.GetTypes().Where(
            type => type.IsValueType && !type.IsEnum && type.IsExplicitLayout)];

    [Theory]
    [MemberData(nameof(Structs))]
    public void Struct_DeclaredSize_IsTheRuntimesSize(Type type)
    {
        var declared = type.StructLayoutAttribute!.Size;
        Assert.Equal(declared, SizeOf(type));
    }

    [Theory]
    [MemberData(nameof(Structs))]
    public void Struct_Fields_AreAlignedAndDoNotOverlap(Type type)
    {
        var end = 0;
        foreach (var field in type.GetFields(BindingFlags.Instance | BindingFlags.Public)
            .OrderBy(field => field.GetCustomAttribute<FieldOffsetAttribute>()!.Value))
        {
            var offset = field.GetCustomAttribute<FieldOffsetAttribute>()!.Value;
            Assert.True(offset >= end, $"{type.Name}.{field.Name} overlaps the field before it");
            end = offset + SizeOf(field.FieldType);
        }
        Assert.True(end <= SizeOf(type));
    }

    [Fact]
    public void NanoOp_OfAPlan_IsSmall()
    {
        // Plans hold thousands of them.
        Assert.Equal(20, Unsafe.SizeOf<NfNanoOp>());
    }

    private static int SizeOf(Type type)
    {
        if (type.IsPointer)
        {
            return IntPtr.Size;
        }
        return (int)typeof(Unsafe).GetMethod(nameof(Unsafe.SizeOf))!
            .MakeGenericMethod(type.IsEnum ? Enum.GetUnderlyingType(type) : type)
            .Invoke(null, null)!;
    }
}
