using System.Formats.Asn1;
using System.Security.Cryptography.X509Certificates;

namespace Hanbae.Machinery.Pkcs;

/// <summary>Reads what a certificate, or the request for one, calls its holder.</summary>
public static class SubjectParts
{
    public const string CommonName = "2.5.4.3", Organization = "2.5.4.10";

    /// <summary>All parts in order, with their object identifiers; what is no text is left out.</summary>
    /// <remarks>Those of a relative distinguished name of several parts count as any other, as in Go: nobody hides a group in one.</remarks>
    /// <exception cref="AsnContentException">It is no name.</exception>
    public static IEnumerable<(string Id, string Value)> Of(X500DistinguishedName name)
    {
        var subject = new AsnReader(name.RawData, AsnEncodingRules.DER).ReadSequence();
        while (subject.HasData)
            for (var parts = subject.ReadSetOf(skipSortOrderValidation: true); parts.HasData;)
            {
                var part = parts.ReadSequence();
                string id = part.ReadObjectIdentifier();
                var tag = (UniversalTagNumber)part.PeekTag().TagValue;
                if (part.PeekTag().TagClass == TagClass.Universal && tag is UniversalTagNumber.UTF8String or UniversalTagNumber.PrintableString or UniversalTagNumber.IA5String
                    or UniversalTagNumber.T61String or UniversalTagNumber.BMPString or UniversalTagNumber.NumericString or UniversalTagNumber.VisibleString)
                    yield return (id, part.ReadCharacterString(tag));
            }
    }
}
