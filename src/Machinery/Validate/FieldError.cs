using Hanbae.Api.Json;

namespace Hanbae.Machinery.Validate;

/// <summary>What can be wrong with a field, as upstream's field.ErrorType; its reason is what a <c>StatusCause</c> says.</summary>
public enum FieldErrorType { Required, Invalid, NotSupported, Forbidden, Duplicate, NotFound, TooLong, TooMany, TypeInvalid, Internal }

/// <summary>One thing that is wrong with an object: where, what was there, and why not.</summary>
/// <param name="BadValue">As it is shown behind the type: already quoted when it is text (see <see cref="Quoted"/>); null where the type shows none.</param>
public sealed record FieldError(FieldErrorType Type, string Field, string? BadValue, string Detail)
{
    public static FieldError Required(string field, string detail = "") => new(FieldErrorType.Required, field, null, detail);
    public static FieldError Invalid(string field, string value, string detail) => new(FieldErrorType.Invalid, field, Quoted(value), detail);
    public static FieldError Invalid(string field, long value, string detail) => new(FieldErrorType.Invalid, field, value.ToString(System.Globalization.CultureInfo.InvariantCulture), detail);
    /// <param name="shown">The value in the form it is to be shown.</param>
    public static FieldError InvalidAs(string field, string shown, string detail) => new(FieldErrorType.Invalid, field, shown, detail);
    public static FieldError NotSupported(string field, string value, params IEnumerable<string> supported) =>
        new(FieldErrorType.NotSupported, field, Quoted(value), "supported values: " + string.Join(", ", supported.Select(Quoted)));
    public static FieldError Forbidden(string field, string detail) => new(FieldErrorType.Forbidden, field, null, detail);
    public static FieldError Duplicate(string field, string value) => new(FieldErrorType.Duplicate, field, Quoted(value), "");
    public static FieldError NotFound(string field, string value) => new(FieldErrorType.NotFound, field, Quoted(value), "");
    public static FieldError TooLong(string field, int max) => new(FieldErrorType.TooLong, field, null, $"may not be more than {max} bytes");
    public static FieldError TooMany(string field, int actual, int max) =>
        new(FieldErrorType.TooMany, field, actual.ToString(System.Globalization.CultureInfo.InvariantCulture), $"must have at most {max} {(max == 1 ? "item" : "items")}");
    public static FieldError Internal(string field, string detail) => new(FieldErrorType.Internal, field, null, detail);

    /// <summary>Text as Go's <c>%q</c> shows it.</summary>
    public static string Quoted(string text) => GoQuote.Text(text);

    /// <summary>Upstream's reason in a <c>StatusCause</c>.</summary>
    public string Reason => Type switch
    {
        FieldErrorType.Required => "FieldValueRequired",
        FieldErrorType.NotSupported => "FieldValueNotSupported",
        FieldErrorType.Forbidden => "FieldValueForbidden",
        FieldErrorType.Duplicate => "FieldValueDuplicate",
        FieldErrorType.NotFound => "FieldValueNotFound",
        FieldErrorType.TooLong => "FieldValueTooLong",
        FieldErrorType.TooMany => "FieldValueTooMany",
        FieldErrorType.TypeInvalid => "FieldValueTypeInvalid",
        FieldErrorType.Internal => "InternalError",
        _ => "FieldValueInvalid",
    };

    /// <summary>Without the field: <c>Invalid value: "x": must be no more than 63 bytes</c>.</summary>
    public string Body
    {
        get
        {
            string text = Type switch
            {
                FieldErrorType.Required => "Required value",
                FieldErrorType.NotSupported => "Unsupported value",
                FieldErrorType.Forbidden => "Forbidden",
                FieldErrorType.Duplicate => "Duplicate value",
                FieldErrorType.NotFound => "Not found",
                FieldErrorType.TooLong => "Too long",
                FieldErrorType.TooMany => "Too many",
                FieldErrorType.Internal => "Internal error",
                _ => "Invalid value",
            };
            if (BadValue is not null) text += ": " + BadValue;
            return Detail.Length > 0 ? text + ": " + Detail : text;
        }
    }

    /// <summary><c>spec.containers: Required value</c>.</summary>
    public override string ToString() => Field + ": " + Body;
}
