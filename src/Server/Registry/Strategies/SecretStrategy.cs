using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Server.Registry.Strategies;

/// <summary>Secrets: text that is written as text is kept as data.</summary>
public sealed class SecretStrategy() : Strategy(Secret.Info)
{
    public override IObject Default(IObject obj)
    {
        var secret = (Secret)base.Default(obj);
        if (secret.StringData.IsEmpty) return secret.StringData.IsNil ? secret : secret with { StringData = default };
        var data = secret.Data;
        foreach (var (key, text) in secret.StringData) data = data.Set(key, Bytes.FromText(text));
        return secret with { Data = data, StringData = default };
    }

    /// <summary>A PUT that leaves out the type keeps it.</summary>
    public override IObject PrepareForUpdate(IObject obj, IObject old, WriteContext context)
    {
        var secret = (Secret)base.PrepareForUpdate(obj, old, context);
        return secret.Type.Length > 0 ? secret : secret with { Type = ((Secret)old).Type };
    }

    public override IReadOnlyList<string> SelectableFields { get; } = ["type"];
    public override string Field(IObject obj, string name) => name == "type" ? ((Secret)obj).Type : base.Field(obj, name);
}
