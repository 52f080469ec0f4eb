using Hanbae.Api;
using Hanbae.Api.Flowcontrol.V1;
using Hanbae.Api.Schema;
using Hanbae.Machinery.Default;
using Hanbae.Machinery.Validate;
using Hanbae.Server.Bootstrap;
using Hanbae.Server.Registry;

namespace Hanbae.Server.FlowControl;

/// <summary>Keeps the objects that every request may fall back to as they are, but for the shares of what is exempt.</summary>
sealed class FlowStrategy(KindInfo kind) : Strategy(kind)
{
    public override IReadOnlyList<FieldError> Validate(IObject obj, WriteContext context) => [.. base.Validate(obj, context), .. Fixed(obj)];

    public override IReadOnlyList<FieldError> ValidateUpdate(IObject obj, IObject old, WriteContext context) =>
        context.Subresource.Length > 0 ? base.ValidateUpdate(obj, old, context) : [.. base.ValidateUpdate(obj, old, context), .. Fixed(obj)];

    static IEnumerable<FieldError> Fixed(IObject obj)
    {
        switch (obj)
        {
            case FlowSchema schema when Named(FlowObjects.Mandatory.Schemas, schema) is { } fixedOne && fixedOne.Spec != schema.Spec:
                yield return Wrong(schema.Spec, $"spec of '{schema.Metadata.Name}' must equal the fixed value");
                break;
            case PriorityLevelConfiguration level when Named(FlowObjects.Mandatory.Levels, level) is { } fixedOne:
                if (level.Metadata.Name == PriorityLevel.Exempt)
                {
                    if (level.Spec with { Exempt = null } != fixedOne.Spec with { Exempt = null }) yield return Wrong(level.Spec, "spec of 'exempt' except the 'spec.exempt' field must equal the fixed value");
                }
                else if (level.Spec != fixedOne.Spec) yield return Wrong(level.Spec, $"spec of '{level.Metadata.Name}' must equal the fixed value");
                break;
        }
    }

    static T? Named<T>(IReadOnlyList<T> all, T obj) where T : class, IObject<T> => all.FirstOrDefault(o => o.Metadata.Name == obj.Metadata.Name) is { } found ? (T)Defaults.Apply(found) : null;

    static FieldError Wrong(Api.Codec.IMessage spec, string why) => FieldError.InvalidAs("spec", Shown.Message(spec), why);
}
