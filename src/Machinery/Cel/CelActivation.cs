namespace Hanbae.Machinery.Cel;

/// <summary>The values of an expression's variables for one evaluation.</summary>
public sealed class CelActivation
{
    readonly Dictionary<string, CelValue> _values;

    public CelActivation(params ReadOnlySpan<(string Name, CelValue Value)> values)
    {
        _values = new(values.Length, StringComparer.Ordinal);
        foreach (var (name, value) in values) _values[name] = value;
    }

    CelActivation(Dictionary<string, CelValue> values) => _values = values;

    public static CelActivation Empty { get; } = new();

    /// <summary>These values and one more.</summary>
    public CelActivation With(string name, CelValue value) => new(new Dictionary<string, CelValue>(_values, StringComparer.Ordinal) { [name] = value });

    internal CelValue? Find(string name) => _values.GetValueOrDefault(name);
}
