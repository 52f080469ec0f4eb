using Hanbae.Api;

namespace Hanbae.Machinery.Validate;

/// <summary>What rules find wrong, with the rules that every kind needs.</summary>
public sealed class Errors : List<FieldError>
{
    const string Immutable = "field is immutable", Negative = "must be greater than or equal to 0";

    public void Required(FieldPath at, string detail = "") => Add(FieldError.Required(at.ToString(), detail));
    public void Invalid(FieldPath at, string value, string detail) => Add(FieldError.Invalid(at.ToString(), value, detail));
    public void Invalid(FieldPath at, string value, IReadOnlyList<string> details)
    {
        foreach (string detail in details) Invalid(at, value, detail);
    }
    public void Invalid(FieldPath at, long value, string detail) => Add(FieldError.Invalid(at.ToString(), value, detail));
    /// <param name="shown">As the message shows it.</param>
    public void InvalidAs(FieldPath at, string shown, string detail) => Add(FieldError.InvalidAs(at.ToString(), shown, detail));
    public void Forbidden(FieldPath at, string detail) => Add(FieldError.Forbidden(at.ToString(), detail));
    public void Duplicate(FieldPath at, string value) => Add(FieldError.Duplicate(at.ToString(), value));
    public void NotFound(FieldPath at, string value) => Add(FieldError.NotFound(at.ToString(), value));
    public void TooLong(FieldPath at, int max) => Add(FieldError.TooLong(at.ToString(), max));
    public void TooMany(FieldPath at, int actual, int max) => Add(FieldError.TooMany(at.ToString(), actual, max));

    public void OneOf(FieldPath at, string value, params ReadOnlySpan<string> supported)
    {
        foreach (string s in supported) if (s == value) return;
        Add(FieldError.NotSupported(at.ToString(), value, supported.ToArray()));
    }

    /// <summary>As <see cref="OneOf"/>, and something has to be there.</summary>
    public void RequiredOneOf(FieldPath at, string value, params ReadOnlySpan<string> supported)
    {
        if (value.Length == 0) Required(at);
        else OneOf(at, value, supported);
    }

    public void NotNegative(FieldPath at, long? value)
    {
        if (value < 0) Invalid(at, value.Value, Negative);
    }

    public void NotNegative(FieldPath at, Quantity value)
    {
        if (value.Sign < 0) Invalid(at, value.ToString(), Negative);
    }

    public void Between(FieldPath at, long value, long from, long to)
    {
        if (value < from || value > to) Invalid(at, value, $"must be between {from} and {to}, inclusive");
    }

    public void Port(FieldPath at, long value) => Between(at, value, 1, 65535);

    /// <summary>A port's number, or the name of a container's port.</summary>
    public void PortOrName(FieldPath at, IntOrString port)
    {
        if (port.IsString) Invalid(at, port.String!, Names.PortName(port.String!));
        else Port(at, port.Int);
    }

    public void Unchanged(FieldPath at, string value, string old)
    {
        if (value != old) Invalid(at, value, Immutable);
    }

    /// <param name="shown">The new value as the message shows it.</param>
    public void Unchanged<T>(FieldPath at, T value, T old, Func<T, string> shown)
    {
        if (!EqualityComparer<T>.Default.Equals(value, old)) InvalidAs(at, shown(value), Immutable);
    }
}
