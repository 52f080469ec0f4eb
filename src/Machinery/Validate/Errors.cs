using System.Net;
using Hanbae.Api;

namespace Hanbae.Machinery.Validate;

/// <summary>What rules find wrong, with the rules that every kind needs.</summary>
public sealed class Errors : List<FieldError>
{
    const string Immutable = "field is immutable", Negative = "must be greater than or equal to 0";

    string? _old;

    /// <summary>The object as it is, when one is changed: what stands in it may go on standing there.</summary>
    public IObject? Old { get; init; }

    /// <summary>Whether the text stands in the object already: what was right once is not refused later.</summary>
    bool Keeps(string text) => Old is not null && (_old ??= Shown.Message(Old)).Contains(Shown.Json(text), StringComparison.Ordinal);

    /// <summary>An address, in one form only, see <see cref="IpSyntax.Fault"/>.</summary>
    /// <returns>The address if it can be read at all.</returns>
    public IPAddress? Address(FieldPath at, string text)
    {
        if (IpSyntax.Fault(text, out var address) is { } fault && !Keeps(text)) Invalid(at, text, fault);
        return address;
    }

    /// <summary>A network, in one form only, see <see cref="Address"/>.</summary>
    public void Network(FieldPath at, string text)
    {
        var address = IpSyntax.TryParseLoosely(text, out int bits, out bool zeros);
        if (address is not null && !zeros && !address.IsIPv4MappedToIPv6 && IpSyntax.IsBase(address, bits) || Keeps(text)) return;
        if (address is null) { Invalid(at, text, IpSyntax.NetworkRule); return; }
        if (zeros) Invalid(at, text, "must not have leading 0s in IP or prefix length");
        else if (address.IsIPv4MappedToIPv6) Invalid(at, text, "must not have an IPv4-mapped IPv6 address");
        if (!IpSyntax.IsBase(address, bits)) Invalid(at, text, "must not have bits set beyond the prefix length");
    }

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
