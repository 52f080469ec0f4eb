using Hanbae.Api;

namespace Hanbae.Server.Registry.Strategies;

/// <summary>A kind whose only peculiarity is what field selectors may ask of it.</summary>
sealed class FieldStrategy<T>(params (string Name, Func<T, string> Value)[] fields) : Strategy(T.Info) where T : class, IObject<T>
{
    public override IReadOnlyList<string> SelectableFields { get; } = [.. fields.Select(f => f.Name)];

    public override string Field(IObject obj, string name)
    {
        foreach (var field in fields) if (field.Name == name) return field.Value((T)obj);
        return base.Field(obj, name);
    }
}
