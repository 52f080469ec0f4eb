namespace Hanbae.Machinery.Cel.Check;

/// <summary>What names mean where an expression stands: variables of the environment, types, and what comprehensions bind.</summary>
sealed class Scope(Func<string, (CelType Type, CelValue? Constant)?> outer)
{
    readonly Dictionary<string, Stack<CelType>> _locals = new(StringComparer.Ordinal);

    public void Enter(string name, CelType type)
    {
        if (!_locals.TryGetValue(name, out var stack)) _locals[name] = stack = new();
        stack.Push(type);
    }

    public void Leave(string name) => _locals[name].Pop();

    /// <returns>The declaration, or null; a leading dot passes by what comprehensions bind.</returns>
    public (string Name, CelType Type, CelValue? Constant)? Find(string name)
    {
        if (name[0] == '.') name = name[1..];
        else if (_locals.TryGetValue(name, out var stack) && stack.TryPeek(out var type)) return (name, type, null);
        return outer(name) is { } declared ? (name, declared.Type, declared.Constant) : null;
    }
}
