// The native side: assertions that every compiler of the library sees the sizes and offsets that
// the bindings were written with.

using System.Globalization;
using System.Text;

namespace NanoFlow.Bindings.Generator;

public static class LayoutChecks
{
    public static string Text(Declarations declarations, HeaderOrigin origin)
    {
        var text = new StringBuilder(origin.Banner);
        text.Append(CultureInfo.InvariantCulture,
            $"// clang-format off\n#include <cstddef>\n\n#include \"{origin.FileName}\"\n\n");
        foreach (var declaration in declarations.Enums)
        {
            text.Append(CultureInfo.InvariantCulture,
                $"static_assert(sizeof({declaration.Name}) == 4);\n");
        }
        foreach (var declaration in declarations.Structs)
        {
            var name = declaration.Name;
            text.Append(CultureInfo.InvariantCulture,
                $"\nstatic_assert(sizeof({name}) == {declaration.SizeBytes});\n");
            foreach (var field in declaration.Fields)
            {
                text.Append(CultureInfo.InvariantCulture,
                    $"static_assert(offsetof({name}, {field.Name}) == {field.OffsetBytes});\n");
            }
        }
        return text.ToString();
    }
}
