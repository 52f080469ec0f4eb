using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Hanbae.Api.Apiextensions.V1;
using Hanbae.Machinery.Validate;
using Findings = Hanbae.Machinery.Validate.Errors;

namespace Hanbae.Server.Crd.Definition;

/// <summary>How a definition may ask for conversion between its versions.</summary>
static class ConversionRules
{
    /// <param name="old">What was asked before; a definition that names only versions nobody knows may go on doing so.</param>
    public static void Check(FieldPath at, CustomResourceConversion conversion, CustomResourceConversion? old, Findings errors)
    {
        errors.RequiredOneOf(at["strategy"], conversion.Strategy, "None", "Webhook");
        if (conversion.Strategy != "Webhook")
        {
            if (conversion.Webhook?.ClientConfig is not null) errors.Forbidden(at["webhookClientConfig"], "should not be set when strategy is not set to Webhook");
            if (conversion.Webhook is { ConversionReviewVersions.IsEmpty: false }) errors.Forbidden(at["conversionReviewVersions"], "should not be set when strategy is not set to Webhook");
            return;
        }
        var config = at["webhookClientConfig"];
        if (conversion.Webhook?.ClientConfig is not { } client) errors.Required(config, "required when strategy is set to Webhook");
        else
        {
            if (client.Url is null == client.Service is null) errors.Required(config, "exactly one of url or service is required");
            else if (client.Url is { } url) WebhookAddress.Url(config["url"], url, errors);
            else if (client.Service is { } service) WebhookAddress.Service(config["service"], service.Name, service.Namespace, service.Path, service.Port ?? 443, errors);
        }
        var before = old?.Webhook?.ConversionReviewVersions ?? default;
        Versions(at["conversionReviewVersions"], conversion.Webhook?.ConversionReviewVersions ?? default, before.IsEmpty || IsKnown(before), errors);
    }

    static bool IsKnown(Api.Seq<string> versions) => versions.Contains("v1") || versions.Contains("v1beta1");

    /// <summary>What is wrong with the authorities of a webhook; null for nothing. It does not keep a definition out, only from being served (v1.31).</summary>
    public static FieldError? WrongBundle(CustomResourceConversion? conversion) =>
        conversion is { Strategy: "Webhook", Webhook.ClientConfig.CaBundle: { Span.IsEmpty: false } bundle } && !IsBundle(bundle.Span)
            ? FieldError.InvalidAs("spec.conversion.webhook.clientConfig.caBundle", "[bytes]", "unable to load root certificates: unable to parse bytes as PEM block") : null;

    static bool IsBundle(ReadOnlySpan<byte> pem)
    {
        try
        {
            var found = new X509Certificate2Collection();
            found.ImportFromPem(Encoding.UTF8.GetString(pem));
            foreach (var certificate in found) certificate.Dispose();
            return found.Count > 0;
        }
        catch (CryptographicException) { return false; }
    }

    static void Versions(FieldPath at, Api.Seq<string> versions, bool mustBeKnown, Findings errors)
    {
        if (versions.IsEmpty) { errors.Required(at); return; }
        for (int i = 0; i < versions.Count; i++)
        {
            if (versions.Span[..i].Contains(versions[i])) errors.Invalid(at[i], versions[i], "duplicate version");
            else errors.Invalid(at[i], versions[i], Names.Label1035(versions[i]));
        }
        if (mustBeKnown && !IsKnown(versions)) errors.InvalidAs(at, Shown.List(versions), "must include at least one of v1, v1beta1");
    }
}
