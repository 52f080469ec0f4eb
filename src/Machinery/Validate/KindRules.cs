using Hanbae.Api;

namespace Hanbae.Machinery.Validate;

/// <summary>The rules of one kind: its names, what an object has to be, how it may change.</summary>
abstract class KindRules
{
    public required Func<string, IReadOnlyList<string>> Name { get; init; }
    public abstract void Check(IObject obj, Errors errors);
    public abstract void Change(IObject obj, IObject old, Errors errors);
    /// <summary>A change through a subresource: status and its like.</summary>
    public abstract void Part(IObject obj, IObject old, string subresource, Errors errors);
}

/// <inheritdoc/>
sealed class KindRules<T> : KindRules where T : class, IObject<T>
{
    public Action<T, Errors>? OfObject { get; init; }
    /// <summary>Null: what is right for a new object is right for a changed one.</summary>
    public Action<T, T, Errors>? OfChange { get; init; }
    public Action<T, T, string, Errors>? OfPart { get; init; }

    public override void Check(IObject obj, Errors errors) => OfObject?.Invoke((T)obj, errors);

    public override void Change(IObject obj, IObject old, Errors errors)
    {
        if (OfChange is not null) OfChange((T)obj, (T)old, errors);
        else Check(obj, errors);
    }

    public override void Part(IObject obj, IObject old, string subresource, Errors errors) => OfPart?.Invoke((T)obj, (T)old, subresource, errors);
}
