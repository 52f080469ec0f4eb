using System.Globalization;
using Hanbae.Api.Codec;
using Hanbae.Api.Json;
using Hanbae.Machinery.Validate;

namespace Hanbae.Server.Crd.Structure;

/// <summary>What a schema asks of numbers, counted as upstream's validator counts: whole numbers as int64 against bounds without their fraction, all others as doubles.</summary>
static class Numbers
{
    /// <summary>2^53-1: beyond it a double does not tell one whole number from the next.</summary>
    const double MostWhole = 9007199254740991;
    const double RelativeError = 1e-9;

    /// <summary>Whether the number may stand for a whole one; the fraction that calculating with doubles leaves is none.</summary>
    public static bool IsWhole(JsonNumber number) => number.IsInteger || IsWhole(number.Double);

    static bool IsWhole(double value)
    {
        if (!double.IsFinite(value) || Math.Abs(value) > MostWhole) return false;
        double whole = Math.Truncate(value), apart = Math.Abs(value - whole);
        return apart == 0 || value >= 0 && whole != 0 && apart / (Math.Abs(value) + whole) < RelativeError;
    }

    /// <param name="invalid">Takes the sentence that follows the path.</param>
    public static void Check(JsonNumber number, Structural schema, string path, List<FieldError> errors, Action<string> invalid)
    {
        var props = schema.Props;
        Fits(number, "Checked");
        if (props.MultipleOf is { } factor && factor > 0)
        {
            bool whole = Fits(JsonNumber.Of(factor), "MultipleOf") && number.IsInteger && factor >= 1;
            if (whole ? number.Int64 % (long)factor != 0 : !IsWhole(factor < 1 ? 1 / factor * number.Double : number.Double / factor))
                invalid("should be a multiple of " + (whole ? Text((long)factor) : Go(factor)));
        }
        if (props.Maximum is { } max)
        {
            bool whole = Fits(JsonNumber.Of(max), "Maximum boundary") && number.IsInteger;
            int order = whole ? number.Int64.CompareTo(Cut(max)) : number.Double.CompareTo(max);
            if (order > 0 || order == 0 && props.ExclusiveMaximum) invalid($"should be less than {(props.ExclusiveMaximum ? "" : "or equal to ")}{(whole ? Text(Cut(max)) : Go(max))}");
        }
        if (props.Minimum is { } min)
        {
            bool whole = Fits(JsonNumber.Of(min), "Minimum boundary") && number.IsInteger;
            int order = whole ? number.Int64.CompareTo(Cut(min)) : number.Double.CompareTo(min);
            if (order < 0 || order == 0 && props.ExclusiveMinimum) invalid($"should be greater than {(props.ExclusiveMinimum ? "" : "or equal to ")}{(whole ? Text(Cut(min)) : Go(min))}");
        }

        // A bound that is no number of the format makes every value a wrong one, as upstream.
        bool Fits(JsonNumber value, string what)
        {
            bool fits = props.Type == "integer"
                ? Whole(value) is { } whole && (props.Format != "int32" || whole is >= int.MinValue and <= int.MaxValue)
                : props.Format != "float" || float.IsFinite((float)value.Double);
            if (fits) return true;
            string type = IsFormat(props.Type, props.Format) ? $"of type {props.Type} with format {props.Format}" : $"of type {props.Type} (default format)";
            errors.Add(FieldError.Invalid("<nil>", "", $"{what} value must be {type} in {path}"));
            return false;
        }
    }

    /// <summary>Whether the format means something for the type; upstream does not know of others.</summary>
    public static bool IsFormat(string type, string format) => type switch { "integer" => format is "int32" or "int64", "number" => format is "float" or "double", _ => false };

    static long? Whole(JsonNumber value) => value.TryGetInt64(out long whole) ? whole : null;

    static long Cut(double bound) => bound >= long.MaxValue ? long.MaxValue : bound <= long.MinValue ? long.MinValue : (long)bound;

    static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);

    static string Go(double value) => GoFloat.ToString(value, GoFloat.Style.General);
}
