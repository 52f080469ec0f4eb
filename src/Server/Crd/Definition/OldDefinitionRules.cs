using Hanbae.Api;
using Hanbae.Api.Apiextensions.V1beta1;
using Hanbae.Machinery.Validate;
using Findings = Hanbae.Machinery.Validate.Errors;

namespace Hanbae.Server.Crd.Definition;

/// <summary>Refuses what v1beta1 could say of a definition in two ways at once: v1 has one for each, so that nothing would be left to see of it.</summary>
static class OldDefinitionRules
{
    public static Findings Check(CustomResourceDefinition crd)
    {
        var (spec, at, errors) = (crd.Spec, FieldPath.Spec, new Findings());
        void Once<T>(string shared, string what, bool hasShared, Func<CustomResourceDefinitionVersion, T> own, Func<T, bool> isSet)
        {
            if (hasShared && spec.Versions.Exists(v => isSet(own(v)))) errors.Forbidden(at[shared], $"top-level and per-version {what} are mutually exclusive");
            if (spec.Versions.Count > 0 && own(spec.Versions[0]) is var first && isSet(first) && spec.Versions.All(v => EqualityComparer<T>.Default.Equals(own(v), first)))
                errors.InvalidAs(at["versions"], Shown.Messages(spec.Versions), $"per-version {what} may not all be set to identical values (top-level {shared} should be used instead)");
        }
        Once("validation", "schemas", spec.Validation is not null, v => v.Schema, s => s is not null);
        Once("subresources", "subresources", spec.Subresources is not null, v => v.Subresources, s => s is not null);
        Once("additionalPrinterColumns", "additionalPrinterColumns", !spec.AdditionalPrinterColumns.IsEmpty, v => v.AdditionalPrinterColumns, c => !c.IsEmpty);
        if (spec.Version.Length > 0 && spec.Versions.Count > 0 && spec.Versions[0].Name != spec.Version)
            errors.Invalid(at["version"], spec.Version, "must match the first version in spec.versions");
        return errors;
    }
}
